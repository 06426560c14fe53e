"""Times a tokenizer of another project on texts handed over once; driven line by line by tokenizer.bench.ts.

Usage: encode-timed.py LIBRARY TOKENIZER_JSON. The first line is {"warm": […], "texts": […]}. Each further line is
"reset": a new tokenizer, warmed on `warm`; or "run": all of `texts` one after the other. Each is answered by a line
{"tokens": …, "cpuSeconds": …}.
"""

import json
import sys
import time

library, path = sys.argv[1:]
if library == "fastokens":
    from fastokens import Tokenizer
else:
    from tokenizers import Tokenizer


def encode(texts):
    if library == "fastokens":
        ids, _ = zip(*(tokenizer.encode_batch_flat([text]) for text in texts))
        return sum(map(len, ids)) // 4
    return sum(len(tokenizer.encode(text, add_special_tokens=False)) for text in texts)


given = json.loads(sys.stdin.readline())
print("{}", flush=True)
for line in sys.stdin:
    tokens = 0
    start = time.process_time()
    if json.loads(line) == "reset":
        tokenizer = Tokenizer.from_file(path)
        encode(given["warm"])
    else:
        tokens = encode(given["texts"])
    print(json.dumps({"tokens": tokens, "cpuSeconds": time.process_time() - start}), flush=True)
