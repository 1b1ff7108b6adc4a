"""How work is done, rather than what: threads, the BLAS library, and looking at what is pending."""
