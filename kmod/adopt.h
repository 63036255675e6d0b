/* SPDX-License-Identifier: GPL-2.0 */
/* The sessions that were up before the module was. */
#ifndef _SSHOBS_ADOPT_H
#define _SSHOBS_ADOPT_H

/**
 * sshobs_adopt() - find the logins that are up, and follow them from here on
 *
 * A process that holds a connection of a watched port, and listens on none, is a
 * member of that connection's session, and so are its descendants. One that holds
 * several such connections, or more than SSHOBS_FDS_MAX descriptors, is left alone
 * unless it is a descendant: nothing tells which is its own.
 *
 * Each session gets an adopt record; each process a clone record from its parent
 * of today and an exec record with the program that it runs, marked as adopted.
 *
 * Context: may sleep; the hooks are in place, so that nothing is born unseen
 * meanwhile. Return: 0, or -ENOMEM with nothing that needs undoing.
 */
int sshobs_adopt(void);

#endif /* _SSHOBS_ADOPT_H */
