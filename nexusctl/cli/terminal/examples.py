"""What to type, for each command: shown at the end of its help. Loaded for that alone."""

from __future__ import annotations

from collections.abc import Mapping

import click

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "init": ("nexusctl init", "nexusctl init --template node"),
    "validate": ("nexusctl validate", "nexusctl validate -f stack.yaml --format github"),
    "fmt": ("nexusctl fmt", "nexusctl fmt --check --diff stacks/web.yaml"),
    "schema": ("nexusctl schema > stack.schema.json",),
    "config": ("nexusctl config", "nexusctl config --origin"),
    "plan": ("nexusctl plan", "nexusctl plan --target api", "nexusctl plan --out saved.plan"),
    "apply": (
        "nexusctl apply",
        "nexusctl apply --yes --timeout 10m",
        "nexusctl apply --replace api",
        "nexusctl apply saved.plan",
    ),
    "watch": ("nexusctl watch", "nexusctl watch --yes --target api"),
    "lock": ("nexusctl lock", "nexusctl lock --update"),
    "scale": ("nexusctl scale web=3", "nexusctl scale web=3 worker=0 --yes"),
    "rename": ("nexusctl rename db database",),
    "explain": ("nexusctl explain api", "nexusctl explain api.env.PORT"),
    "run": ("nexusctl run -f stack.yaml -- npm test",),
    "drift": ("nexusctl drift", "nexusctl drift api --json"),
    "destroy": ("nexusctl destroy", "nexusctl destroy --stack shop --volumes", "nexusctl destroy web"),
    "status": ("nexusctl status", "nexusctl status --state unhealthy --json"),
    "ls": ("nexusctl ls", "nexusctl ls 'shop*' --json"),
    "instances": ("nexusctl instances", "nexusctl instances shop --json"),
    "output": ("nexusctl output", "nexusctl output url"),
    "port": ("nexusctl port web", "nexusctl port web 8080"),
    "open": ("nexusctl open web", "nexusctl open web 8080"),
    "logs": ("nexusctl logs --follow", "nexusctl logs api --tail 100 --since 10m"),
    "events": ("nexusctl events --since 1h", "nexusctl events api --follow --json"),
    "stats": ("nexusctl stats", "nexusctl stats 'web-*' --once --json"),
    "top": ("nexusctl top api", "nexusctl top api --json"),
    "exec": (
        "nexusctl exec api npm test",
        "nexusctl exec -u root api sh -c 'apt-get update'",
        "nexusctl exec --detach api ./long.sh",
    ),
    "executions": ("nexusctl executions", "nexusctl executions api --json"),
    "attach": ("nexusctl attach exec_a098ea04298d6b0ca2d405062cae",),
    "signal": ("nexusctl signal exec_a098ea04298d6b0ca2d405062cae TERM",),
    "wait": ("nexusctl wait", "nexusctl wait api --for healthy --timeout 2m", "nexusctl wait migrate --for completed"),
    "shell": ("nexusctl shell api", "nexusctl shell -u root api"),
    "cp": ("nexusctl cp ./conf api:/etc/app", "nexusctl cp api:/var/log ./logs", "tar c . | nexusctl cp - api:/srv"),
    "pull": ("nexusctl pull api", "nexusctl pull api:/app/src --force"),
    "stop": ("nexusctl stop api", "nexusctl stop 'web-*' --write", "nexusctl stop --all --stack shop"),
    "start": ("nexusctl start api", "nexusctl start --metadata team=backend"),
    "restart": ("nexusctl restart api", "nexusctl restart --all"),
    "pause": ("nexusctl pause db",),
    "resume": ("nexusctl resume db", "nexusctl resume --all"),
    "kill": ("nexusctl kill api", "nexusctl kill --signal HUP proxy"),
    "extend": ("nexusctl extend api 2h", "nexusctl extend --all --stack shop 1d"),
    "reap": ("nexusctl reap --dry-run", "nexusctl reap --every 1m"),
    "history": ("nexusctl history", "nexusctl history 'api*' --json"),
    "prune": ("nexusctl prune", "nexusctl prune --dry-run --json"),
    "unlock": ("nexusctl unlock", "nexusctl unlock shop"),
    "import": ("nexusctl import compose compose.yaml", "nexusctl import stack shop"),
    "secrets": ("nexusctl secrets keygen", "nexusctl secrets edit token"),
    "template": ("nexusctl template list", "nexusctl template show node"),
    "mcp": ("nexusctl mcp",),
    "approve": ("nexusctl approve 1f2e3d4c",),
    "engine": ("nexusctl engine status", "nexusctl engine start"),
    "completion": ("nexusctl completion install", "nexusctl completion bash > ~/.nexusctl-completion"),
    "doctor": ("nexusctl doctor", "nexusctl doctor --security"),
    "import compose": ("nexusctl import compose compose.yaml", "nexusctl import compose compose.yaml --file shop.yaml"),
    "import container": ("nexusctl import container web db",),
    "import devcontainer": ("nexusctl import devcontainer .devcontainer/devcontainer.json",),
    "import stack": ("nexusctl import stack shop",),
    "secrets edit": ("nexusctl secrets edit token",),
    "secrets encrypt": ("nexusctl secrets encrypt token < token.txt",),
    "secrets keygen": ("nexusctl secrets keygen",),
    "secrets list": ("nexusctl secrets list", "nexusctl secrets list --json"),
    "secrets rekey": ("nexusctl secrets rekey --add age1x5t4",),
    "template init": ("nexusctl template init worker --extends node",),
    "template list": ("nexusctl template list", "nexusctl template list --json"),
    "template show": ("nexusctl template show node",),
    "mcp check": ("nexusctl mcp check", "nexusctl mcp check codex"),
    "mcp config": ("nexusctl mcp config claude", "nexusctl mcp config cursor --write"),
    "engine start": ("nexusctl engine start", "nexusctl engine start --data-root /data/docker"),
    "engine status": ("nexusctl engine status", "nexusctl engine status --json"),
    "engine stop": ("nexusctl engine stop",),
    "completion bash": ("nexusctl completion bash > ~/.nexusctl-completion",),
    "completion zsh": ("nexusctl completion zsh > ~/.zsh/completions/_nexusctl",),
    "completion fish": ("nexusctl completion fish > ~/.config/fish/completions/nexusctl.fish",),
    "completion install": ("nexusctl completion install", "nexusctl completion install zsh"),
}
"""By the words that lead to a command; a pipe may stand before one."""


def write_examples(words: str, _context: click.Context, formatter: click.HelpFormatter) -> None:
    """Write those of the command that `words` lead to at the end of its help."""
    if lines := EXAMPLES.get(words):
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
