"""Reads the Authentication-Results fields of a message with Debian's python3-authres; prints JSON, top to bottom."""
import email
import email.policy
import json
import re
import sys

import authres

fields = []
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.compat32)
for value in message.get_all("Authentication-Results", []):
    text = re.sub(r"\r?\n(?=[ \t])", "", str(value))
    try:
        header = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + text)
    except Exception as e:
        fields.append({"text": text, "error": repr(e)})
        continue
    fields.append({"text": text, "id": header.authserv_id, "results": [{
        "method": r.method,
        "result": r.result,
        "reason": r.reason or "",
        "properties": {p.type + "." + p.name: p.value for p in r.properties},
    } for r in header.results]})
json.dump(fields, sys.stdout)
