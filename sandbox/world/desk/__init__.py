"""The service desk: who writes tickets, who answers them, by which rules, and what becomes of them.

regions ─> when and where tickets are written      topics ─> what they are about
births  ─> a ticket's first second                 lives  ─> all steps after it
states  ─> the steps folded at a moment            desk   ─> all of it together
"""
