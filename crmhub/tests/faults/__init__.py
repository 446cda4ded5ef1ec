"""The fault laboratory: real processes, real servers and real sockets that a test kills, freezes, cuts off and lets go on.

A test of a fault says in its docstring which row of docs/faults.md it holds (`F2: …`), has one sentence for a name, and ends with `settled(hub)`:

    def test_what_a_worker_created_before_it_died_is_adopted(hub, processes):
        simulator = hub.connect("hubspot")
        hub.save_task(title="Call Grace")

        assert processes.doomed("after_post").wait() == EXIT_STATUS
        processes.start()

        settled(hub)

What there is:

hubs        `hub`: that of the engine's tests, on the real clock. `settled(hub, parked=0)` waits until nothing is owed and asserts what every
            fault must leave behind: one counterpart for each live task with its newest content, none too many, no claim, nothing parked
processes   `processes`: `start()` a worker with its beat, or `worker()`, `beat()`, `web()` one by one; each can `kill`, `terminate`, `freeze` and
            `thaw`. `doomed("after_post")` dies at a kill point (crmhub/kill_points.py). Words in capitals are settings of that process,
            `processes.environment` holds those of all. A lease is 4 s here and a sweep comes every 0.5 s
own         `broker`: a Valkey of the test's own behind a proxy, to be stopped, frozen, emptied, filled up. `database`: a PostgreSQL of the
            module's own; ask for it by `pytest.mark.usefixtures("database")` on the whole module
proxy       `proxy_to(url)`: a TCP proxy before a broker, a database or a CRM (`hub.connect(code, through=…)`), to be told at any time to refuse,
            stall, reset, drop, slice, cut, or lose the answer to certain words

Marks: `faults` on all of them; `postgres` where a database server is needed, `sqlite` where that one is; `long` on what takes more than about fifteen
seconds. `make test` runs `not long`, `make test-faults` all. A fault that the test itself acts out must be seen to fail the test when the rule
that survives it is taken out.
"""
