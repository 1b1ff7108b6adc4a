"""The process that runs machines, one after the other; it may crash, hang, or be killed.

A line of JSON comes in, {"seed": k} or {"program": {...}}; lines go out: each stage that begins, then the outcome.
"""

import json
import os
import sys
import traceback


def outcome(request, stage):
    from fuzz.machines.check import Fault, check
    from fuzz.machines.generate import generate
    from fuzz.machines.language import Program

    program = Program(**request["program"]) if "program" in request else generate(request["seed"])
    try:
        compared, unclear = check(program, stage, request.get("deferred", True))
    except Fault as fault:
        return {"kind": fault.kind, "text": fault.text}
    except Exception:  # of the tester: nothing of the kind may pass for a success
        return {"kind": "tester", "text": traceback.format_exc(limit=-4)}
    return {"kind": None, "compared": compared, "unclear": unclear}


def main(planted=None):
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else is printed goes to the errors
    if planted:
        exec(planted, {})
    for line in sys.stdin:
        stage = lambda name: print(json.dumps({"stage": name}), file=out)
        print(json.dumps(outcome(json.loads(line), stage)), file=out)


if __name__ == "__main__":
    main(*sys.argv[1:])
