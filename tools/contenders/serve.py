"""One contender in a process of its own: reads orders from stdin, one JSON line each, and answers.

{"work": [kind, arguments]} prepares it, runs it once and answers with the numbers to compare, or null
where the contender has no such work; {"time": n} answers with the seconds of each of n runs;
{"memory": true} with the bytes of the peak over what was there before the work began.
"""
import json
import sys
from importlib import import_module
from time import perf_counter

import work


def status(key):
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))


def main(name):
    contender, start = import_module("with_" + name), None
    for line in sys.stdin:
        order = json.loads(line)
        if "work" in order:
            kind, arguments = order["work"]
            data = getattr(work, kind)(**arguments)
            before = status("VmRSS")
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")  # the peak starts anew
            prepare = getattr(contender, kind, None)
            start = prepare and prepare(**data)
            answer = start and [float(x) for x in start()()()]
        elif "memory" in order:
            answer = status("VmHWM") - before
        else:
            answer = []
            for _ in range(order["time"]):
                go = start()
                begun = perf_counter()
                go()
                answer.append(perf_counter() - begun)
        print(json.dumps(answer), flush=True)


main(sys.argv[1])
