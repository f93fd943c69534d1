"""An engine of another environment for `benchmarks/sampling.py`, run by that one's Python.

`PYTHON benchmarks/sampling_peers.py llama MODEL`, or `vllm MODEL DTYPE`, says which version it is,
reads jobs as lines of JSON and answers each with tokens and CPU seconds. It imports nothing of this
project. One thread, no seeds, texts end
where the model ends them; the first job is run once before it counts, for engines that compile.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

Job = dict[str, Any]


def vllm(model: str, dtype: str) -> Callable[[Job], int]:
    """The CPU build, eager, in this process so that its time can be taken."""
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "2",
    }
    engines: Any = import_module("vllm")  # after the environment is set

    engine = engines.LLM(
        model, dtype=dtype, enforce_eager=True, max_model_len=1024, max_num_seqs=128
    )

    def draw(job: Job) -> int:
        settings = engines.SamplingParams(
            n=job["samples"], max_tokens=job["tokens"], top_p=job["top_p"], temperature=1.0
        )
        prompts = [{"prompt_token_ids": ids} for ids in job["prompts"]]
        answers = engine.generate(prompts, settings, use_tqdm=False)
        return sum(len(one.token_ids) for answer in answers for one in answer.outputs)

    return draw


def llama(model: str) -> Callable[[Job], int]:
    """llama.cpp on its own GGUF file: one batch of sequences that share their prompt's cells."""
    cpp: Any = import_module("llama_cpp")

    cpp.llama_backend_init()
    loaded = cpp.llama_model_load_from_file(model.encode(), cpp.llama_model_default_params())
    vocabulary = cpp.llama_model_get_vocab(loaded)

    def decode(context: Any, batch: Any, entries: list[tuple[int, int, int, bool]]) -> None:
        batch.n_tokens = len(entries)
        for place, (token, position, sequence, wanted) in enumerate(entries):
            batch.token[place], batch.pos[place] = token, position
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, sequence
            batch.logits[place] = wanted
        if cpp.llama_decode(context, batch):
            message = "llama_decode failed"
            raise RuntimeError(message)

    def draw(job: Job) -> int:
        rows = len(job["prompts"]) * job["samples"]
        room = sum(map(len, job["prompts"])) + rows * job["tokens"]
        settings = cpp.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_ubatch = room + 256, 512, 512
        settings.n_seq_max, settings.kv_unified = rows, True
        settings.n_threads = settings.n_threads_batch = 1
        context = cpp.llama_init_from_model(loaded, settings)
        batch, memory = cpp.llama_batch_init(512, 0, 1), cpp.llama_get_memory(context)
        samplers = [_sampler(cpp, job["top_p"], row) for row in range(rows)]
        alive, length, drawn = {}, {}, 0
        for number, ids in enumerate(job["prompts"]):
            first = number * job["samples"]
            last = len(ids) - 1
            decode(context, batch, [(t, i, first, i == last) for i, t in enumerate(ids)])
            for row in range(first, first + job["samples"]):
                if row != first:
                    cpp.llama_memory_seq_cp(memory, first, row, -1, -1)
                alive[row] = cpp.llama_sampler_sample(samplers[row], context, -1)
                length[row] = len(ids)
        for step in range(job["tokens"]):
            alive = {
                row: t for row, t in alive.items() if not cpp.llama_vocab_is_eog(vocabulary, t)
            }
            drawn += len(alive)
            if not alive or step == job["tokens"] - 1:
                break
            entries = [(token, length[row] + step, row, True) for row, token in alive.items()]
            decode(context, batch, entries)
            alive = {
                row: cpp.llama_sampler_sample(samplers[row], context, place)
                for place, row in enumerate(alive)
            }
        cpp.llama_batch_free(batch)
        cpp.llama_free(context)
        return drawn

    return draw


def _sampler(cpp: Any, top_p: float, seed: int) -> Any:
    chain = cpp.llama_sampler_chain_init(cpp.llama_sampler_chain_default_params())
    if top_p < 1:
        cpp.llama_sampler_chain_add(chain, cpp.llama_sampler_init_top_p(top_p, 1))
    cpp.llama_sampler_chain_add(chain, cpp.llama_sampler_init_dist(seed))
    return chain


@contextmanager
def _answers_alone() -> Iterator[Any]:
    """Where answers go; what the engine itself prints goes to stderr."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        yield answers


def main() -> None:
    """Answer each job."""
    kind, *arguments = sys.argv[1:]
    with _answers_alone() as answers:
        draw = vllm(*arguments) if kind == "vllm" else llama(*arguments)
        version = import_module("vllm" if kind == "vllm" else "llama_cpp").__version__
        answers.write(json.dumps({"version": version}) + "\n")
        answers.flush()
        warm = set()
        for line in sys.stdin:
            job = json.loads(line)
            shape = (len(job["prompts"]), job["samples"], job["top_p"])
            if shape not in warm:
                draw({**job, "tokens": min(8, job["tokens"])})
                warm.add(shape)
            started = time.process_time()
            tokens = draw(job)
            answer = {"tokens": tokens, "seconds": time.process_time() - started}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
