"""Reads the verifier's test messages (JSON, see verifier/corpus_test.go) and prints what dkimpy says of each: {name: "pass", or why not}."""
import base64, json, sys, time
import dkim


def opinion(row):
    def txt(name, timeout=5):
        records = row["zone"].get(name.decode("ascii", "replace").rstrip("."), {"txt": None, "failed": False})
        if records["failed"]:
            raise dkim.DnsTimeoutError("no answer")
        return records["txt"][0].encode() if records["txt"] else None  # as its own look-up: the first record

    time.time = lambda: row["time"]
    try:
        return "pass" if dkim.verify(base64.b64decode(row["message"]), dnsfunc=txt) else "does not verify"
    except Exception as e:  # its parsers let some of Python's own through
        return repr(e)


json.dump({row["name"]: opinion(row) for row in json.load(sys.stdin)}, sys.stdout)
