/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the processes of a login hang together, as their open descriptors have it: the
 * connection, socketpairs and other connected sockets of AF_UNIX, pipes, and pseudo terminals.
 *
 * Pure: it looks at snapshots and at nothing else, and knows no program by its name.
 */
#ifndef _SSHOBS_LINKS_H
#define _SSHOBS_LINKS_H

#include "snapshot.h"

/**
 * enum link_kind - what joins processes
 * @LINK_TCP: the connection to the client: end 0 is this host's, end 1 the client's
 * @LINK_UNIX: two sockets of AF_UNIX that are connected; end 0 has the lower inode
 * @LINK_PIPE: a pipe or FIFO: end 0 is for writing, end 1 for reading
 * @LINK_PTY: a pseudo terminal: end 0 is its master, ptmx, end 1 the terminal, pts
 */
enum link_kind {
	LINK_TCP,
	LINK_UNIX,
	LINK_PIPE,
	LINK_PTY,
};

/**
 * struct holder - one descriptor of one process
 * @process: index of its snapshot
 * @fd: the descriptor
 */
struct holder {
	size_t process;
	const struct snapshot_fd *fd;
};

/**
 * struct link_end - one end of a link
 * @holders: who holds it, by process and descriptor
 * @n: how many
 */
struct link_end {
	const struct holder *holders;
	size_t n;
};

/**
 * struct link - something that processes are joined by
 * @kind: what it is
 * @key: inode of end 0; LINK_PTY: N of /dev/pts/N
 * @ends: both ends; but for LINK_PTY and LINK_TCP, two different processes hold them
 */
struct link {
	enum link_kind kind;
	uint64_t key;
	struct link_end ends[2];
};

/* struct links.parents: it hangs on the connection itself, or on nothing that was read. */
#define LINKS_CLIENT ((size_t)-1)
#define LINKS_LOOSE  ((size_t)-2)

/**
 * struct links - how processes hang together
 * @processes: their snapshots, in the order in which they began
 * @n_processes: how many
 * @links: all links, by kind and key
 * @n: how many
 * @connection: the one of @links that goes to the client; NULL: nobody holds it
 * @parents: for each process, the one that is next to it on its way to the client;
 *	LINKS_CLIENT or LINKS_LOOSE
 * @via: for each process, the link that it hangs on; NULL with LINKS_LOOSE
 * @holders: what the ends of the links stand in
 */
struct links {
	const struct snapshot *processes;
	size_t n_processes;
	struct link *links;
	size_t n;
	const struct link *connection;
	size_t *parents;
	const struct link **via;
	struct holder *holders;
};

/**
 * links_find() - find out how processes hang together
 * @links: out; links_free() it
 * @processes: snapshots, in the order in which the processes began; must stay
 * @n: how many
 * @cookie: of the session's socket; 0: not known, then the connection is the first one that
 *	the oldest process holds
 *
 * Return: 0 or -ENOMEM.
 */
int links_find(struct links *links, const struct snapshot *processes, size_t n, uint64_t cookie);

/** links_free() - free what links_find() made; one that is all zero is fine */
void links_free(struct links *links);

/** link_holds() - whether a process holds an end */
bool link_holds(const struct link_end *end, size_t process);

/**
 * link_between() - whether a link goes from one process to another
 * @link: the link
 * @from: index of a process
 * @to: index of another one
 *
 * Return: which end @from holds, while @to holds the other one; -1: it does not.
 */
int link_between(const struct link *link, size_t from, size_t to);

#endif /* _SSHOBS_LINKS_H */
