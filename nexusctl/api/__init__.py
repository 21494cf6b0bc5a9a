"""One function a verb. The only room that wires the others together.

    stack = load(path)                               parse and resolve      planning.py
    live = observe(engine, stack)                    observe                planning.py
    plan = make_plan(stack, live, engine.in_place)   diff and plan          planning.py
    yield from execute(plan, engine, interrupt)      execute                execution.py

A command imports only the files that it needs, so that a plan does not wait for what an apply is made of.
"""
