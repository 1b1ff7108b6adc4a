"""What a tensor can do that is no operator: conversion to Python, types, gradients."""
