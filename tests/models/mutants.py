"""Plants bugs in the cache, one at a time, and says which test catches each first.

    python3 tests/models/mutants.py [NAME ...]

Works on a copy of the last commit in a temporary folder. Exits with 1 if a bug goes unseen. Takes some minutes.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Name, file under src/cached/, what stands there, what the bug makes of it.
MUTANTS = [
    ("forgotten notify", "flight.rs", "            thread.unpark();\n", "            let _ = thread;\n"),
    ("no second look under the lock", "flight.rs", "if let Some(outcome) = &landing.outcome {", "if let Some(outcome) = landing.outcome.as_ref().filter(|_| registered) {"),
    ("failure stored over a good token", "state.rs", "            Err(error) => error.clone(),\n        };\n        if !ours", "            Err(error) => {\n                self.held = None;\n                error.clone()\n            }\n        };\n        if !ours"),
    ("generation ignored: a superseded flight ends the current one", "state.rs", "        if ours {\n            self.flight = None;", "        {\n            self.flight = None;"),
    ("late token replaces a newer one", "state.rs", "Some(usable) => token.expires_at() > usable.token.expires_at(),", "Some(_) => true,"),
    ("no guard for a panic", "mod.rs", "        if !self.landed {", "        if false && !self.landed {"),
    ("stale callers wait", "state.rs", "                Some(token) if young => return Turn::Take(token),\n                None if young => return Turn::Wait(Arc::clone(flight)),\n                _ => {}", "                _ if young => return Turn::Wait(Arc::clone(flight)),\n                _ => {}"),
    ("no back-off after a failure", "state.rs", "            if now.monotonic < over {", "            if now.monotonic > over {"),
    ("invalidate drops any token", "state.rs", "self.held.as_ref().is_none_or(|held| held.token != *token)", "self.held.is_none()"),
    ("invalidate forgets the copies", "mod.rs", "            state.invalidate(token, now);\n            this.slots.clear();", "            state.invalidate(token, now);"),
    ("settle forgets the copies", "mod.rs", "            self.cached.slots.clear();\n", ""),
    ("only the monotonic clock counts", "state.rs", "now.wall < self.wall && now.monotonic < self.monotonic", "now.monotonic < self.monotonic"),
    ("only the wall clock counts", "state.rs", "now.wall < self.wall && now.monotonic < self.monotonic", "now.wall < self.wall"),
    ("hung flight is never overtaken", "state.rs", "let young = now.monotonic < after(flight.started, policy.flight_limit);", "let young = true;"),
    ("waiter ignores its own deadline", "flight.rs", "if now >= deadline {", "if now >= limit {"),
    ("every waiter fetches for itself", "state.rs", "None if young => return Turn::Wait(Arc::clone(flight)),", "None if young => {}"),
    ("margin not kept", "state.rs", "usable_until: end(margin),", "usable_until: end(Duration::ZERO),"),
    ("failures are not counted", "state.rs", "map_or(0, |f| f.count).saturating_add(1)", "map_or(1, |_| 1)"),
    ("repeated token is no failure", "state.rs", "Some(usable) => token.expires_at() > usable.token.expires_at(),", "Some(usable) => token.expires_at() >= usable.token.expires_at(),"),
    ("lifetime counts from the answer", "mod.rs", "let before = self.now();\n        let outcome = self.source.token_for(&inner);", "let outcome = self.source.token_for(&inner);\n        let before = self.now();"),
]

MODELS = ["--release", "--manifest-path", "tests/models/Cargo.toml"]
TESTS = [
    ("loom", [*MODELS, "--test", "loom"], {}),
    ("cached", ["--test", "cached"], {}),
    ("history", [*MODELS, "--test", "history"], {}),
    ("shuttle", [*MODELS, "--features", "shuttle", "--test", "shuttle"], {"SCHEDULES": "20000"}),
]


def run(folder, arguments, extra, patience):
    environment = {**os.environ, **extra, "RUST_BACKTRACE": "0", "CARGO_TARGET_DIR": str(folder / "target" / ("models" if "--release" in arguments else "crate"))}
    command = ["cargo", "test", *arguments]
    pipe = subprocess.PIPE
    # In a session of its own, so that a test which hangs can be ended with all that it started.
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as done:
        try:
            output = "".join(done.communicate(timeout=patience))
        except subprocess.TimeoutExpired:
            os.killpg(done.pid, signal.SIGKILL)
            return "hangs"
    if done.returncode == 0:
        return None
    if "could not compile" in output:
        sys.exit(f"a mutant does not compile:\n{output}")
    failed = sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED", output, re.M)))
    return ", ".join(failed) or "aborts"


def main():
    wanted = sys.argv[1:]
    unseen = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        commit = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x"], cwd=folder, input=commit, check=True)
        for name, file, before, after in MUTANTS:
            if (folder / "src" / "cached" / file).read_text().count(before) != 1:
                sys.exit(f"{name}: its place is not there, or more than once")
        for test, arguments, extra in TESTS:
            if run(folder, arguments, extra, 1800):
                sys.exit(f"{test} fails without any bug planted")
        for name, file, before, after in MUTANTS:
            if wanted and name not in wanted:
                continue
            path = folder / "src" / "cached" / file
            text = path.read_text()
            path.write_text(text.replace(before, after))
            for test, arguments, extra in TESTS:
                if failed := run(folder, arguments, extra, 180):
                    print(f"{name}: {test}: {failed}", flush=True)
                    break
            else:
                print(f"{name}: NOT SEEN", flush=True)
                unseen.append(name)
            path.write_text(text)
    sys.exit(f"not seen: {', '.join(unseen)}" if unseen else 0)


main()
