"""Asks the PyPI package `tokenizers` how it classes every code point; prints one JSON document.

The engines' tokenizers carry their own Unicode tables (Oniguruma for split patterns, the regex crate for whole words,
a normalization crate), each of another Unicode version than Node's. What they answer is the only truth there is.
Run by scripts/unicode-tables.js.
"""

import json

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(map(chr, SCALARS))
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()
APART = "\ufdd0"
SCRIPTS = "Han Hiragana Katakana Hangul Latin Greek Cyrillic Arabic Hebrew Thai Devanagari".split()


def ranges(members):
    """Sorted code points as flat [first, last, first, last, …]."""
    flat = []
    for c in members:
        if flat and c == flat[-1] + 1:
            flat[-1] = c
        else:
            flat += [c, c]
    return flat


def matching(splitter):
    """Ranges of the code points that the pre-tokenizer keeps, of all scalars in order."""
    kept = []
    for _, (start, end) in splitter.pre_tokenize_str(TEXT):
        kept.extend(SCALARS[start:end])
    return ranges(kept)


def by_pattern(pattern):
    return matching(pre_tokenizers.Split(Regex(pattern + "+"), "removed", invert=True))


def numeric():
    """What the Digits pre-tokenizer takes for a digit."""
    digits = pre_tokenizers.Digits(individual_digits=True)
    joined = "".join("a" + chr(c) for c in SCALARS)
    singles = [joined[start] for _, (start, end) in digits.pre_tokenize_str(joined) if end == start + 1]
    return ranges(sorted({ord(c) for c in singles} - {ord("a")}))


def word():
    """What ends a word for added tokens with `single_word`: an added token right after it is not taken."""
    model = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    model.add_tokens([AddedToken("\ue000\ue001", single_word=True, normalized=False)])
    encoded = model.encode_batch([chr(c) + "\ue000\ue001" for c in SCALARS], add_special_tokens=False)
    return ranges([c for c, e in zip(SCALARS, encoded) if 1 not in e.ids])


def each(normalizer, before, after):
    """Normal form of `before + c + after` for every scalar, by code point, where it is not the input."""
    changed = {}
    for at in range(0, len(SCALARS), 4096):
        chunk = SCALARS[at : at + 4096]
        inputs = [before + chr(c) + after for c in chunk]
        if ord(APART) in chunk:
            outputs = [normalizer.normalize_str(text) for text in inputs]
        else:
            outputs = normalizer.normalize_str(APART.join(inputs)).split(APART)
        for c, given, got in zip(chunk, inputs, outputs):
            if got != given:
                changed[c] = got
    return changed


nfc, nfd = normalizers.NFC(), normalizers.NFD()
print(
    json.dumps(
        {
            "version": tokenizers.__version__,
            "categories": {name: by_pattern(r"\p{%s}" % name) for name in CATEGORIES},
            "space": by_pattern(r"\s"),
            "scripts": {name: by_pattern(r"\p{%s}" % name) for name in SCRIPTS},
            "numeric": numeric(),
            "word": word(),
            "nfc": each(nfc, "", ""),
            "nfd": each(nfd, "", ""),
            # U+0334 has combining class 1, U+0345 class 240: a combining character changes place with one of them.
            "beforeOverlay": each(nfc, "q", "\u0334"),
            "afterIota": each(nfc, "q\u0345", ""),
        }
    )
)
