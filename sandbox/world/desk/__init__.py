"""The service desk: who writes tickets, who answers them, by which rules, and what becomes of them.

regions ─> when and where tickets are written      topics ─> what they are about
births  ─> a ticket's first second                 lives  ─> all steps after it
merges  ─> tickets that repeat another             leaves ─> when agents are away
states  ─> the steps folded at a moment            desk   ─> all of it together
scenes  ─> the steps with what they found, and read off them, when asked for and never kept:
           conversations, time_entries, tasks, requested_items, surveys, status_history;
           stretches of unchanged state, of which the truth makes its figures
catalog ─> what is bought             assets, software, contracts, orders ─> what the company has
problems, changes, releases ─> cases, which go through statuses in turns; casework hangs on them
estate and itil ─> all of either      links ─> which of it a ticket is about
"""
