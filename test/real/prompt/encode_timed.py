"""Times a tokenizer of another project on texts handed over once, for test/bench/prompt/tokenizer.bench.ts.

Usage: encode_timed.py LIBRARY TOKENIZER_JSON. The first line of standard input is {"warm": […], "texts": […]}. Each
further one is "reset": a new tokenizer, warmed on `warm`; or "run": all of `texts`, one after the other. Each is answered
by a line {"tokens": …, "cpuSeconds": …}. LIBRARY: `tokenizers`; `fastokens`, whose ids become a Python list as an engine
gets them; `fastokens-flat`, whose ids stay bytes, close to what a Rust program gets.
"""

import json
import sys
import time

library, path = sys.argv[1:]
if library == "tokenizers":
    from tokenizers import Tokenizer
else:
    from fastokens import Tokenizer


def encode(text):
    if library == "tokenizers":
        return len(tokenizer.encode(text, add_special_tokens=False))
    if library == "fastokens":
        return len(tokenizer.encode(text).ids)
    return len(tokenizer.encode_batch_flat([text])[0]) // 4


given = json.loads(sys.stdin.readline())
print("{}", flush=True)
for line in sys.stdin:
    is_run = json.loads(line) == "run"
    if not is_run:
        tokenizer = Tokenizer.from_file(path)
    start = time.process_time()
    tokens = sum(encode(text) for text in given["texts" if is_run else "warm"])
    print(json.dumps({"tokens": tokens, "cpuSeconds": time.process_time() - start}), flush=True)
