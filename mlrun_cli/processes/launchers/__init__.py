"""How the processes of a run are started: a module for each kind of launch, by the kind's name."""
