#!/usr/bin/env python3
"""Writes umt5/ beside it: a small UMT5 encoder of the transformers library with random weights and the
states of a few texts, and small SentencePiece models with what they make of texts. Weights are f32,
reference states are computed and stored in f64.

  python tests/golden/make_umt5.py [FOLDER]  (torch 2.15, transformers 5.24, sentencepiece 0.2.3)
"""

import html
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import sentencepiece
import torch
from make_golden import write_safetensors
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel
from transformers.models.umt5 import modeling_umt5

# Heads together are not as wide as the model.
CONFIG = dict(vocab_size=400, d_model=24, d_kv=5, d_ff=20, num_heads=3, num_layers=2,
              relative_attention_num_buckets=32, relative_attention_max_distance=128)
LENGTHS = [17, 1, 150, 33]
REACH = 600

# What the tokenizers learn from.
CORPUS = """a red circle moves from left to right over a blue background
a blue square moves slowly from right to left
the camera follows a cat that walks along the wall, then it sits down and looks back
two people are talking at a table; one of them laughs & the other drinks tea
slow motion, close-up: water drops fall into a glass (4K, 24 fps)
ein roter Kreis bewegt sich über den Hintergrund, größer und größer
un café à la lumière du soir, très doux
кошка идёт по стене и смотрит назад
一只红色的猫在墙上慢慢地走
a cat, a dog and a bird: "where is the circle?" it's gone
"""
# Of NFKC, as many rules as a file of tests may hold: from, to, in code points.
RULES = [("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\n", " "), ("\u2003", " "), ("\ufb01", "fi"),
         ("\u2026", "..."), ("e\u0301", "é"), ("\uff11", "1"), ("\uff21", "A"), ("\u2460", "1"),
         ("\u200b", ""), ("\ufdfa", "a  b "), ("\u00bd", "1\u20442")]
TEXTS = ["a red circle moves", "", " ", "a", "  two   spaces  ", "tabs\tand\nlines\r\n", "Zebra & quagga!", "größer",
         "cafe\u0301 and café", "\u00a0no\u00a0break\u3000wide", "\ufb01ne\u2026 \uff11\uff21\u2460", "zero\u200bwidth",
         "\ufdfaend", "\ufdfa", "一只红色的猫走", "кошка и собака", "smile 😀👍🏽 end", "👨‍👩‍👧", "▁ is no space", "x▁y",
         "</s> <pad> <unk>", "<0x41>", "ÿþ\u0001", "½ tea", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "it's (4K, 24 fps)",
         "the camera follows a cat that walks along the wall, then it sits down and looks back " * 4]
PROMPTS = ["  a   cat \n\t and\u00a0a\u2003dog\u3000 ", "Tom &amp; Jerry", "Tom &amp;amp; Jerry", "&lt;b&gt;bold&lt;/b&gt;",
           "&amp;amp;amp;", "caf&eacute; &#233; &#xE9; &#XE9;", "&nbsp;&nbsp;x&nbsp;", "it&apos;s &#39;so&#39;", "5 &lt 6 &amp 7",
           "&copy2020 &notit; &not;in", "&#0; &#x110000; &#55296; &#1; &#128; &#150; &#x9f; &#xFFFE; &#13;|", "&#; &#x; & &a &; &unknown;",
           "&hellip;&rsquo;&euro;&alpha;&Omega;", "\x1c\x1d\x85 separators \u2028\u2029", "\u200bnot a space\u200b", "",
           "&amp;#x26;lt;", "&#00000000000000000000065;", "&#x1F600;", "&times;&timesb", "&AMP;&Lt;&quot;"]


class WideNorm(torch.nn.Module):
    """UMT5LayerNorm without its rounding of the variance to f32."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


def encode(model, texts):
    with torch.no_grad():
        return torch.cat([model(input_ids=text[None]).last_hidden_state[0] for text in texts])


def make_encoder(folder):
    torch.manual_seed(3)
    config = UMT5Config(**CONFIG, attn_implementation="eager")
    model = UMT5EncoderModel(config).eval()
    for name, parameter in model.named_parameters():
        scale = 1.0 if "shared" in name or "relative" in name else 0.3
        parameter.data = torch.randn_like(parameter) * scale + (1.0 if "norm" in name else 0.0)
    texts = [torch.randint(0, CONFIG["vocab_size"], (length,)) for length in LENGTHS]
    narrow = encode(model, texts)
    # Side by side with padding, as pipelines call it.
    padded = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(text) for text in texts], batch_first=True)
    with torch.no_grad():
        batch = model(input_ids=padded, attention_mask=mask).last_hidden_state
    assert torch.allclose(torch.cat([b[:n] for b, n in zip(batch, LENGTHS)]), narrow, rtol=1e-4, atol=1e-4)

    weights = {name: value.clone() for name, value in model.state_dict().items() if "embed_tokens" not in name}
    modeling_umt5.UMT5LayerNorm = WideNorm
    wide = UMT5EncoderModel(config).eval()
    wide.load_state_dict(model.state_dict())
    states = encode(wide.double(), texts)
    assert torch.allclose(states.float(), narrow, rtol=1e-4, atol=1e-4)

    attention = wide.encoder.block[0].layer[0].SelfAttention
    buckets = attention._relative_position_bucket(torch.arange(-REACH, REACH + 1))
    write_safetensors(folder / "model.safetensors", weights, {"format": "pt"})
    write_safetensors(folder.parent / "states.safetensors",
                      {"ids": torch.cat(texts), "lengths": torch.tensor(LENGTHS), "buckets": buckets, "states": states}, {})
    keep = {"architectures", "model_type", "feed_forward_proj", "layer_norm_epsilon", "eos_token_id", "pad_token_id", *CONFIG}
    values = {k: v for k, v in config.to_dict().items() if k in keep} | {"architectures": ["UMT5EncoderModel"]}
    (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n")


def train(folder, scratch, **options):
    (scratch / "corpus.txt").write_text(CORPUS)
    def points(text):
        return " ".join(f"{ord(c):x}" for c in text)
    (scratch / "rules.tsv").write_text("".join(f"{points(a)}\t{points(b)}\n" for a, b in RULES))
    sentencepiece.SentencePieceTrainer.train(
        input=str(scratch / "corpus.txt"), model_prefix=str(scratch / "spiece"), model_type="unigram",
        normalization_rule_tsv=str(scratch / "rules.tsv"), pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        character_coverage=0.99, hard_vocab_limit=False, minloglevel=2, **options)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(scratch / "spiece.model", folder / "spiece.model")


def pieces_of(folder):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    return {text: processor.encode(text) for text in TEXTS}


def ids_of_transformers(folder, to):
    """With the tokenizer.json that the library makes of a spiece.model; without the texts in which it finds
    special tokens."""
    tokenizer = T5Tokenizer.from_pretrained(str(folder), extra_ids=0)
    to.mkdir(parents=True, exist_ok=True)
    tokenizer.backend_tokenizer.save(str(to / "tokenizer.json"), pretty=False)
    return {text: tokenizer(text).input_ids for text in TEXTS if "</s>" not in text}


def prompt_clean(text):
    """As diffusers' Wan pipeline where there is no ftfy."""
    text = html.unescape(html.unescape(text)).strip()
    return re.sub(r"\s+", " ", text).strip()


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent) / "umt5"
    (folder / "text_encoder").mkdir(parents=True, exist_ok=True)
    make_encoder(folder / "text_encoder")
    with tempfile.TemporaryDirectory() as scratch:
        train(folder / "bytes", Path(scratch), vocab_size=380, byte_fallback=True)
        train(folder / "user_defined", Path(scratch), vocab_size=120, user_defined_symbols=["circle", "x▁y"],
              control_symbols=["<extra_id_0>"])
    cases = {"bytes": pieces_of(folder / "bytes"), "user_defined": pieces_of(folder / "user_defined"),
             "transformers": ids_of_transformers(folder / "bytes", folder / "tokenizer"),
             "prompts": {prompt: prompt_clean(prompt) for prompt in PROMPTS}}
    parts = []
    for name, case in cases.items():
        lines = [f"  {json.dumps(text)}: {json.dumps(result)}" for text, result in case.items()]
        parts.append(f'"{name}": {{\n' + ",\n".join(lines) + "\n }")
    (folder / "texts.json").write_text("{\n " + ",\n ".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
