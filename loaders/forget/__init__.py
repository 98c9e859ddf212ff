"""Forget: erase a person's rows in every layer, and keep them from coming back.

```
USER --- hashed with every key ---> raw.forgetting  <--- what is theirs alone: accounts, addresses,
                                        |                phones, registrations, dead letters
                                        |--> marks  ---> raw.forgotten, which the door goes by
                                        '--> every text column of every table: rows about them are
                                             deleted, and blanked where others' rows name them
```

Which columns there are, the server says. The identifier itself reaches no statement, and neither do
pseudonyms: statements read them from raw.forgetting, which is emptied in the end. A run that was
killed is run again. docs/decisions/0015-forgetting-a-person.md says what stays and why.

`run.py` is the order of it, `worklist.py` the list, `links.py` and `letters.py` what gets onto it,
`tables.py` where it is looked for, and `erasing.py` takes it out.
"""

from loaders.forget.run import Erased, Forgotten, forget

__all__ = ["Erased", "Forgotten", "forget"]
