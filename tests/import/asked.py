"""Asks the real LiteLLM, with the configuration that is named, whom it calls for each name when everyone fails.

    asked.py CONFIG NAME…    prints JSON: by name, a list of calls, each a list of attempts in order
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import re
import sys
from pathlib import Path

import litellm
from litellm.proxy.proxy_server import ProxyConfig

# Enough that each member of a group is met, and that shares can be told apart.
CALLS = 150


def target(kwargs: dict) -> dict:
    """Where an attempt would go: provider, model's name there, base URL and key."""
    named = kwargs.get("litellm_credential_name")
    for credential in litellm.credential_list:
        if credential.credential_name == named:
            kwargs = {**credential.credential_values, **kwargs}
    given = {name: kwargs.get(name) for name in ("custom_llm_provider", "api_base", "api_key")}
    model, provider, key, base = litellm.get_llm_provider(model=kwargs["model"], **given)
    return {"provider": provider, "model": model, "base": base or given["api_base"], "key": given["api_key"] or key}


async def asked(config: str, names: list[str]) -> dict[str, list[list[dict]]]:
    router, *_ = await ProxyConfig().load_config(router=None, config_file_path=config)
    # A member that has failed stays in the draw, so that each call shows the whole way.
    router.disable_cooldowns = True
    attempts: list[dict] = []

    async def fails(**kwargs):
        attempts.append(target(kwargs))
        raise litellm.InternalServerError("down", "anyone", "any")

    litellm.acompletion = fails
    # Each failure would be told at length.
    logging.disable(logging.CRITICAL)
    told = {}
    for name in names:
        random.seed(name)
        told[name] = []
        for _ in range(CALLS):
            attempts.clear()
            with contextlib.suppress(litellm.InternalServerError):
                # One attempt in each group: repeats are another matter.
                await router.acompletion(model=name, messages=[{"role": "user", "content": "?"}], num_retries=0)
            told[name].append(list(attempts))
    return told


if __name__ == "__main__":
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        told = asyncio.run(asked(str(Path(sys.argv[1])), sys.argv[2:]))
    # Callbacks with threads of their own may write later.
    print(re.sub(r"\n", " ", json.dumps(told)), file=out, flush=True)
