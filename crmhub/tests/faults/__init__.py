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
            `thaw`. `doomed("after_post")` dies at a kill point (crmhub/kill_points.py), `doomed("after_mark:freeze")` stops there. Words in
            capitals are settings of that process (a new set of them costs three seconds of loading). A lease is 6 s here, and a sweep comes
            every 0.5 s
servers     `broker`: the Valkey of the test, behind a proxy, to be stopped, frozen, emptied, filled up. `database`: a PostgreSQL of the module's
            own, to be stopped and started; ask for it by `pytest.mark.usefixtures("database")` on the whole module
proxy       `broker.proxy`, `database_proxy` (the processes' way to the database; the test has another one) and `proxy_to(url)` before a CRM:
            `hub.connect(code, through=lambda url: proxy_to(url).url)`. Each can be told at any time to refuse, stall, reset, forget, drop, slice, cut, or
            lose the answer to certain words
hosts       `Host`: a machine of workers with a folder of its own and its own way to database and broker, to be cut off, frozen, killed
clocks      `processes.worker(CLOCK_IS_OFF_IN=file)`: a worker whose clock is ahead by the seconds in that file
nursery     from what processes are forked, so that each starts in a fraction of a second

Marks: `faults` on all of them; `postgres` where a database server is needed, `sqlite` where that one is; `long` on what takes more than about fifteen
seconds. `make test` runs `not long`, `make test-faults` all. A fault that the test itself acts out must be seen to fail the test when the rule
that survives it is taken out.
"""
