"""Training vocoders: a generator and its discriminators, against each other.

``records`` and ``clips`` feed it, ``gan`` is one step, ``task`` makes Lightning run it,
``experiment`` opens and exports what lies in the experiment folder.
"""
