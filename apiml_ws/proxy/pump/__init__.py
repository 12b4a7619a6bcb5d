"""The native pump: the legs of sessions in threads of C, outside the interpreter's lock (section 7 of the design).

The pump carries frames, the portable relay decides: a session is lent to a thread while there is nothing to do but to pass
frames on, and comes back, with all that is under way, for everything else.  ``pump.h`` has that contract.
"""
