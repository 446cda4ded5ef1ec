"""A made-up firm with four simulated CRMs: the hub shown at work, and checked.

words      what a made-up task is made of, and what its world names for each CRM
people     staff, contacts, companies, deals, tickets and events
stories    the tasks (daily, special), each with what happens to it later and with what each CRM must hold in the end
build      all of it saved, through the services like everything else
simulated  the simulated CRMs: started, filled, asked
verify     whether every CRM holds exactly what the stories name
show       the table and the counts
run        the stages, one after the other
"""
