"""Answers each line of standard input, a JSON list of texts, with one line: a JSON list of their token ids.

Usage: encode.py TOKENIZER_JSON ADD_SPECIAL_TOKENS. Ids are those of the PyPI package `tokenizers`.
"""

import json
import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
for line in sys.stdin:
    encoded = tokenizer.encode_batch(json.loads(line), add_special_tokens=sys.argv[2] == "true")
    print(json.dumps([e.ids for e in encoded]), flush=True)
