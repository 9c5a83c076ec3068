# SPDX-License-Identifier: Apache-2.0
"""WordPiece: learn a vocabulary, split text by it, write it as tokenizer.json.

The vocabulary is learnt by merging the commonest pairs (Sennrich et al. 2016)
and applied longest match first, as BERT does. Splitting here and in a Hugging
Face tokenizer that reads the written file is the same; a Go test compares both
on the reference inputs.
"""
import collections
import json
import unicodedata

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MASKS = list("龡龤龢龣龥龞龝")  # what detect/mask.go writes


def is_han(c):
    n = ord(c)
    return (0x4E00 <= n <= 0x9FFF or 0x3400 <= n <= 0x4DBF or 0x20000 <= n <= 0x2A6DF or 0xF900 <= n <= 0xFAFF)


def is_punctuation(c):
    n = ord(c)
    if 33 <= n <= 47 or 58 <= n <= 64 or 91 <= n <= 96 or 123 <= n <= 126:
        return True
    return unicodedata.category(c).startswith("P")


def words(text):
    """Splits folded text at blanks; punctuation and Han characters stand alone."""
    out, word = [], ""
    for c in text:
        if c.isspace():
            if word:
                out.append(word)
            word = ""
        elif is_han(c) or is_punctuation(c):
            if word:
                out.append(word)
            out.append(c)
            word = ""
        else:
            word += c
    if word:
        out.append(word)
    return out


def learn(texts, size):
    """Returns a vocabulary of at most size pieces, special ones first."""
    count = collections.Counter(w for t in texts for w in words(t))
    pieces = [([w[0]] + ["##" + c for c in w[1:]], n) for w, n in sorted(count.items())]
    chars = collections.Counter()
    for p, n in pieces:
        for c in p:
            chars[c] += n
    vocab = SPECIAL + MASKS
    vocab += [c for c, n in sorted(chars.items(), key=lambda x: (-x[1], x[0])) if n >= 2 and c not in vocab]
    vocab = vocab[:size]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (p, n) in enumerate(pieces):
        for a in zip(p, p[1:]):
            pairs[a] += n
            where[a].add(i)
    known = set(vocab)
    while len(vocab) < size and pairs:
        best = max(pairs.items(), key=lambda x: (x[1], x[0]))
        (a, b), n = best
        if n < 3:
            break
        merged = a + b[2:]
        for i in sorted(where.pop((a, b), ())):
            p, n = pieces[i]
            new, j = [], 0
            while j < len(p):
                if j + 1 < len(p) and p[j] == a and p[j + 1] == b:
                    new.append(merged)
                    j += 2
                else:
                    new.append(p[j])
                    j += 1
            for x in zip(p, p[1:]):
                pairs[x] -= n
                if pairs[x] <= 0:
                    del pairs[x]
            for x in zip(new, new[1:]):
                pairs[x] += n
                where[x].add(i)
            pieces[i] = (new, n)
        pairs.pop((a, b), None)
        if merged not in known:
            known.add(merged)
            vocab.append(merged)
    return vocab


class Tokenizer:
    """Splits text into the ids of a vocabulary, [CLS] first and [SEP] last."""

    def __init__(self, vocab, limit):
        self.id = {p: i for i, p in enumerate(vocab)}
        self.limit = limit

    def __call__(self, text):
        ids = [self.id["[CLS]"]]
        for w in words(text):
            ids += self.pieces(w)
        return (ids + [self.id["[SEP]"]])[: self.limit]

    def pieces(self, word):
        if len(word) > 100:
            return [self.id["[UNK]"]]
        out, at = [], 0
        while at < len(word):
            end = len(word)
            while end > at:
                p = ("##" if at else "") + word[at:end]
                if p in self.id:
                    break
                end -= 1
            if end == at:
                return [self.id["[UNK]"]]
            out.append(self.id[p])
            at = end
        return out


def write(path, vocab):
    """Writes a Hugging Face tokenizer.json."""
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for i, t in enumerate(SPECIAL)]
    cls, sep = vocab.index("[CLS]"), vocab.index("[SEP]")
    json.dump({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": False, "lowercase": False},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", sep], "cls": ["[CLS]", cls]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {p: i for i, p in enumerate(vocab)}},
    }, open(path, "w", encoding="utf-8"), ensure_ascii=False, indent=0, sort_keys=False)
