"""Running the hub on one machine: Valkey, web server, worker and beat as children of one process that outlives none of them.

surroundings  which database, Valkey and keys a hub in this checkout runs with; decided before Django reads its settings
children      one process: started in a session of its own, watched, stopped, and never left behind
valkey        the embedded server on a unix socket
ports         the port that the web server gets
hub           all of them: started in order, started again when one dies, stopped in order
access        the first administrator and the first API key, and var/demo.json, which tells of them
"""
