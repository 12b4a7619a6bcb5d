/* Short turns on the processor. */
#ifndef APIML_WS_TURNS_H
#define APIML_WS_TURNS_H

/* Of the thread with the system's id.  Linux from 6.12 on lets a thread that wakes and has shorter turns than the one that
 * runs go first, if it had less than its share; else it may have to wait until that one sleeps.  Nothing happens where the
 * system has no such thing. */
void shorten_turns(int id);

#endif
