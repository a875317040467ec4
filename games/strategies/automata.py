"""Finite automata from studies of evolved strategies, by name.

Ashlock, Kim and Leahy (2006), "Understanding representational sensitivity in the iterated Prisoner's Dilemma with
fingerprints", IEEE Transactions on Systems, Man, and Cybernetics C 36(4): `pun-1`. Ashlock and Ashlock (2006), "Changes in
Prisoner's Dilemma strategies over evolutionary time with different population sizes", DOI 10.1109/CEC.2006.1688322: the
fortresses and `predator`. Ashlock and Kim (2008), "Fingerprinting", DOI 10.1109/TEVC.2008.920675: `ripoff`, `thumper`.
Ashlock, Kim and Ashlock (2009), "Fingerprint analysis of the noisy Prisoner's Dilemma": `usually-cooperates`,
`usually-defects`. DOI 10.1109/FOCI.2014.7007818: `raider`. DOI 10.1109/TCIAIG.2014.2326012: the solutions. The states are
those of the Axelrod library (Knight et al., version 4.14).
"""

from __future__ import annotations

from collections.abc import Mapping

AUTOMATA: Mapping[str, tuple[str, ...]] = {
    "fortress-3": ("D0", "D0 D1", "D0 C2", "C2 D0"),
    "fortress-4": ("D0", "D0 D1", "D0 D2", "D0 C3", "C3 D0"),
    "predator": ("C0", "D0 D1", "D2 D3", "C4 D3", "D5 C4", "C2 D6", "D7 D3", "C7 D7", "D8 D7", "D8 D6"),
    "pun-1": ("D0", "C1 C1", "C0 D0"),
    "raider": ("D0", "D2 D2", "C1 D1", "D0 C3", "D0 C1"),
    "ripoff": ("D0", "C1 C2", "D0 C2", "C2 D2"),
    "usually-cooperates": ("C0", "C0 C1", "D0 C0"),
    "usually-defects": ("D0", "D1 D0", "D0 C0"),
    "solution-b1": ("D0", "D1 D0", "C1 C2", "C2 C2"),
    "solution-b5": ("D0", "C1 D5", "C1 D2", "C5 D0", "C2 D5", "D4 D3", "C2 D4"),
    "thumper": ("C0", "C0 D1", "D0 D0"),
}
"""First move and state, then for each state the moves and next states after a cooperation and after a defection."""
