#!/usr/bin/env python3
"""A target whose cluster is a directory: each unit is a JSON file of the same name."""
import contextlib, errno, json, os, sys


TYPES = (".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope",
         ".snapshot", ".busname")


class Failure(Exception):
    """A failure: its kind and its message."""


class Files:
    def __init__(self, path):
        self.path = os.path.abspath(path)

    def file(self, name):
        os.stat(self.path)  # A missing directory is an error: it says nothing about units.
        return os.path.join(self.path, name)

    def read(self, name):
        path = self.file(name)
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            return json.load(file)

    def list(self):
        # Skips other names (README, lost+found, a file being written) and units that were removed meanwhile.
        units = [self.read(name) for name in os.listdir(self.path) if name.endswith(TYPES)]
        return {"units": [unit for unit in units if unit]}

    def apply(self, unit):
        if self.read(unit["name"]) != unit:
            fresh = self.file(f"new~{os.getpid()}")
            with open(fresh, "w", encoding="utf-8") as file:
                json.dump(unit, file)
            os.replace(fresh, self.file(unit["name"]))  # No reader ever sees half a unit.

    def set_desired_state(self, name, desiredState):
        if not (unit := self.read(name)):
            raise Failure("not_found", f"there is no {self.file(name)}")
        self.apply({**unit, "desiredState": desiredState})

    def destroy(self, name):
        if self.read(name):
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.file(name))

    def status(self, unit):
        held = self.read(unit["name"])
        return {"readiness": "ready" if held == unit else "waiting" if held else "absent"}


def answer(request):
    global target
    try:
        if "hello" in request:
            if "path" not in request["settings"]:
                raise Failure("misconfigured", "settings.path is missing: the directory of the units")
            target = Files(request["settings"]["path"])
            return {"hello": "target-files", "protocol": 1, "identity": f"files:{target.path}"}
        return {"result": getattr(target, request["method"])(**request["params"])}
    except Failure as failure:
        return {"error": {"kind": failure.args[0], "message": failure.args[1]}}
    except (OSError, ValueError) as failure:
        is_too_long = getattr(failure, "errno", None) == errno.ENAMETOOLONG
        return {"error": {"kind": "rejected" if is_too_long else "unavailable", "message": str(failure)}}


for line in sys.stdin.buffer:
    request = json.loads(line)
    if "cancel" not in request:  # Calls come one at a time, so a cancelled call has been answered.
        known = {"id": request["id"]} if "id" in request else {}
        print(json.dumps({**known, **answer(request)}), flush=True)
