"""Prints a JSON list with one verdict for each DKIM-Signature of the message on standard input (dkimpy)."""
import json, re, sys
import dkim

message = sys.stdin.buffer.read()
headers, _ = dkim.rfc822_parse(message)
signatures = [value for name, value in headers if name.lower() == b"dkim-signature"]
verdicts = []
for index, value in enumerate(signatures):
    tags = dict(re.findall(r"\b([ds])\s*=\s*([^;\s]+)", value.decode("latin-1")))
    why = "signature does not verify"
    try:
        ok = dkim.DKIM(message, timeout=60).verify(idx=index)
    except dkim.DKIMException as e:
        ok, why = False, repr(e)
    verdicts.append({"d": tags.get("d", ""), "s": tags.get("s", ""), "pass": ok, "why": "" if ok else why})
json.dump(verdicts, sys.stdout)
