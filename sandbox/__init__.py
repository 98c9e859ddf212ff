"""The sandbox: everything gatehouse talks to, on one laptop, over loopback only.

    gatehouse up ──> clickhouse   a real server out of the chdb-core wheel, HTTP and native TCP
                 ──> broker       a Kafka-compatible broker (Tansu), topics in memory
                 ──> sources      stand-ins for the source systems, and the truth they generated

It is a guest in the house: it shares no code with the loaders or the models and imports nothing of
theirs (it reads ``loaders/grants.sql`` as data, so that what is tested is what production runs).
Only the command line and the tests know it; without this folder a warehouse remains that points at
real systems. Its state lives under ``$GATEHOUSE_STATE/sandbox/`` and nowhere else.
"""
