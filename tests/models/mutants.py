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
    ("forgotten wake-up", "flight.rs", "            thread.unpark();\n", "            let _ = thread;\n"),
    ("no second look under the lock", "flight.rs", "if let Some(outcome) = &landing.outcome {", "if let Some(outcome) = landing.outcome.as_ref().filter(|_| place.is_some()) {"),
    ("swallowed wake-up", "flight.rs", "        me.unpark();\n", ""),
    ("waiter stays on the list", "flight.rs", "            landing.waiting.swap_remove(place);", "            let _ = place;"),
    ("waiter ignores its own deadline", "flight.rs", "        let until = deadline.min(self.limit());", "        let until = self.limit();\n        let deadline = until;"),
    ("child waits for its parent", "flight.rs", "self.leader.process == me.process && now", "now"),
    ("own flight is awaited", "flight.rs", "        self.leader == me\n", "        let _ = me;\n        false\n"),
    ("hung flight is never overtaken", "flight.rs", " && now < self.limit()\n", " && (now < self.limit() || true)\n"),
    ("flight hangs by a fixed limit", "flight.rs", "after(self.deadline, FLIGHT_GRACE)", "after(self.deadline - self.time, Duration::from_secs(35))"),
    ("every failure counts for all", "flight.rs", "!hurried || !(", "!hurried || true || !("),
    ("patience counts, not the time that is left", "flight.rs", " || is_more(left, self.time)", " || left.is_zero() && false"),
    ("time-out holds off all", "back_off.rs", "self.timed_out.iter().filter(|last| !is_more(asker.patience, last.time))", "self.timed_out.iter()"),
    ("time-out counts as a failure of the source", "back_off.rs", "        if !is_for_lack_of_time(&failure.error) {", "        if true || !is_for_lack_of_time(&failure.error) {"),
    ("failures are not counted", "back_off.rs", "last.map_or(0, |last| last.count).saturating_add(1)", "last.map_or(1, |_| 1)"),
    ("no back-off after a failure", "back_off.rs", "filter(|(_, left)| !left.is_zero())", "filter(|(_, left)| left.is_zero())"),
    ("retry_at counts from now", "back_off.rs", "asker.now.wall.checked_add(left)", "asker.now.wall.checked_add(failure.pause(asker.usable))"),
    ("failure stored over a good token", "state.rs", "            Err(error) => (Err(error.clone()), error),", "            Err(error) => {\n                self.held = None;\n                (Err(error.clone()), error)\n            }"),
    ("superseded flight ends the current one", "state.rs", "take_if(|current| Arc::ptr_eq(current, flight))", "take_if(|_| true)"),
    ("late token replaces a newer one", "state.rs", "!refused && !repeated && new.left(now) > held.left(now)", "!refused && !repeated && (new.left(now) > held.left(now) || true)"),
    ("nominal expiry decides", "state.rs", "new.left(now) > held.left(now)", "new.token.expires_at() > held.token.expires_at()"),
    ("equal token is progress", "state.rs", "new.left(now) > held.left(now)", "new.left(now) >= held.left(now)"),
    ("refused token wins", "state.rs", "let refused = is_refused(&new.token);", "let refused = false;"),
    ("refused token is a rival", "state.rs", ".filter(|held| !is_refused(&held.token))", ""),
    ("same claim is progress", "state.rs", "is_some_and(|held| held.expires_at() >= new.token.expires_at())", "is_some_and(|_| false)"),
    ("stale callers wait", "state.rs", "            Some(token) => Turn::Take(token),\n            None if", "            Some(_) => Turn::Wait(Arc::clone(flight)),\n            None if"),
    ("every waiter fetches for itself", "state.rs", "filter(|flight| flight.is_alive(call.me, call.now.monotonic))", "filter(|flight| flight.is_alive(call.me, call.now.monotonic) && usable.is_some())"),
    ("late caller leads", "state.rs", "        if now >= deadline {", "        if now > deadline {"),
    ("stale refresh has all the time", "state.rs", "deadline = deadline.min(after(now, policy.stale_wait()));", "deadline = deadline.max(now);"),
    ("other tokens without a limit", "state.rs", "        self.allow_replacement(call)?;\n", ""),
    ("replacements without a limit", "state.rs", "count >= REPLACEMENTS", "count > 1000 * REPLACEMENTS"),
    ("invalidate drops any token", "state.rs", "self.token() != Some(token)", "self.token().is_none()"),
    ("changes forget the copies", "shared.rs", "                *locked(&slot.0) = None;\n", "                drop(locked(&slot.0));\n"),
    ("only the monotonic clock counts", "held.rs", "now.wall < self.wall && now.monotonic < self.monotonic", "now.monotonic < self.monotonic"),
    ("only the wall clock counts", "held.rs", "now.wall < self.wall && now.monotonic < self.monotonic", "now.wall < self.wall"),
    ("what is left by the wall clock alone", "held.rs", "wall.min(self.monotonic.saturating_duration_since(now.monotonic))", "wall"),
    ("margin not kept", "held.rs", "usable_until: until(margin),", "usable_until: until(Duration::ZERO),"),
    ("margin of what is left", "held.rs", "token.lifetime().unwrap_or(left.saturating_add(elapsed))", "left"),
    ("clock set forward makes immortal", "held.rs", "from_before.filter(some).map_or(from_now, |left| left.min(from_now))", "from_before.filter(some).unwrap_or(from_now)"),
    ("clock set back makes immortal", "held.rs", "from_before.filter(some).map_or(from_now, |left| left.min(from_now))", "from_now"),
    ("clock set back refuses a good token", "held.rs", "from_before.filter(some).map_or(from_now, |left| left.min(from_now))", "from_before.filter(some)?.min(from_now)"),
    ("no rest for a token that arrives old", "held.rs", "REST.min(self.usable_until.left(now) / 2)", "Duration::ZERO"),
    ("no guard for a panic", "mod.rs", "        if !self.landed {", "        if false && !self.landed {"),
    ("guard gone before the clock is read", "mod.rs", "        let told = self.publish(outcome, self.cached.now());\n        self.landed = true;", "        self.landed = true;\n        let told = self.publish(outcome, self.cached.now());"),
    ("lifetime counts from the answer", "mod.rs", "outcome, (self.before, now), share)", "outcome, (now, now), share)"),
    ("the leader gets what came, better or not", "mod.rs", "return self.best(ask, self.lead(&flight, &call))", "return self.lead(&flight, &call)"),
]

MODELS = ["--release", "--manifest-path", "tests/models/Cargo.toml"]
TESTS = [
    ("loom", [*MODELS, "--test", "loom"], {}),
    ("cached", ["--test", "cached"], {}),
    ("history", [*MODELS, "--test", "history"], {}),
    ("memory", [*MODELS, "--test", "allocations"], {}),
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
