# SPDX-License-Identifier: Apache-2.0
"""The tokenizer: one token a character, written as a WordPiece tokenizer.json.

A character that continues a word has ## before it, so that an n-gram knows
where words begin. Splitting here and in a Hugging Face tokenizer that reads
the written file is the same; a Go test compares both on reference inputs.

    python3 wasm/model/train/wordpiece.py ENCODED.jsonl TOKENIZER.json
"""
import json
import sys
import unicodedata

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MASKS = ["龡", "龤", "龢"]  # subject, wrong, right: what detect/mask.go writes
MARKS = ["龣", "龥", "龞", "龝"]  # question, heading, sentence before, sentence


def is_han(c):
    n = ord(c)
    return 0x4E00 <= n <= 0x9FFF or 0x3400 <= n <= 0x4DBF or 0x20000 <= n <= 0x2A6DF or 0xF900 <= n <= 0xFAFF


def is_punctuation(c):
    n = ord(c)
    return 33 <= n <= 47 or 58 <= n <= 64 or 91 <= n <= 96 or 123 <= n <= 126 or unicodedata.category(c).startswith("P")


def words(text):
    """Splits folded text at blanks; punctuation and Han characters stand alone."""
    out, word = [], ""
    for c in text:
        alone = is_han(c) or is_punctuation(c)
        if (c.isspace() or alone) and word:
            out.append(word)
            word = ""
        if alone:
            out.append(c)
        elif not c.isspace():
            word += c
    return out + [word] if word else out


def vocabulary(texts):
    """Special tokens, masks, then every character of the texts, the Hangul of
    KS X 1001, kana and Latin, with and without ##."""
    chars = {c for t in texts for c in t if not c.isspace()}
    chars |= {chr(n) for n in range(0x21, 0x7F)} | {chr(n) for n in range(0x3041, 0x30FF)}
    for a in range(0xB0, 0xC9):
        for b in range(0xA1, 0xFF):
            chars.add(bytes((a, b)).decode("euc_kr"))
    out = SPECIAL + MASKS + MARKS
    for c in sorted(chars - set(out)):
        out.append(c)
        if not is_han(c) and not is_punctuation(c):
            out.append("##" + c)
    return out


class Tokenizer:
    """Splits text into ids of a vocabulary, [CLS] first and [SEP] last."""

    def __init__(self, vocab, limit):
        self.id = {p: i for i, p in enumerate(vocab)}
        self.limit = limit

    def __call__(self, text):
        out = [self.id["[CLS]"]]
        for w in words(text):
            pieces = [self.id.get(("##" if i else "") + c) for i, c in enumerate(w)]
            if len(w) > 100 or None in pieces:
                pieces = [self.id["[UNK]"]]
            out += pieces
        return (out + [self.id["[SEP]"]])[: self.limit]


def write(path, vocab):
    """Writes a Hugging Face tokenizer.json."""
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for i, t in enumerate(SPECIAL)]
    with open(path, "w", encoding="utf-8") as f:
        json.dump({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": False, "lowercase": False},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", vocab.index("[SEP]")], "cls": ["[CLS]", vocab.index("[CLS]")]},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {p: i for i, p in enumerate(vocab)}},
        }, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def read(path):
    """The vocabulary of a written file, by id."""
    ids = json.load(open(path, encoding="utf-8"))["model"]["vocab"]
    return sorted(ids, key=ids.get)


def main(data, path):
    rows = [json.loads(line) for line in open(data, encoding="utf-8")]
    known = {r["topic"] for r in rows if r["split"] == "train" and r["kind"] != "answer"}
    write(path, vocabulary([r["input"] for r in rows if r["split"] in ("train", "rule") and r["topic"] in known]))


if __name__ == "__main__":
    main(*sys.argv[1:])
