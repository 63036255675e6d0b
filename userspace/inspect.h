/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What "sshobs inspect" has read, for the views of it.
 */
#ifndef _SSHOBS_INSPECT_H
#define _SSHOBS_INSPECT_H

#include <json.h>

#include "links.h"
#include "stream.h"

/**
 * struct inspection - processes, as they were read
 * @origin: of the device
 * @session: the login that they are members of; 0: none
 * @processes: all of them, in the order in which they began
 * @n: how many
 * @pid: the only one that is to be told of; 0: all
 * @gone: how many ended before they could be read
 */
struct inspection {
	const struct origin *origin;
	uint64_t session;
	struct snapshot *processes;
	size_t n;
	uint32_t pid;
	size_t gone;
};

/**
 * view_inspect() - print it: the drawing and the connection, then each process
 * @inspection: what was read
 * @links: how its processes hang together
 * @env_all: the whole environment, not only what a login sets
 *
 * Return: 0 or -ENOMEM.
 */
int view_inspect(const struct inspection *inspection, const struct links *links, bool env_all);

/** view_inspect_json() - print all of it as one object */
void view_inspect_json(const struct inspection *inspection, const struct links *links);

/**
 * view_fds() - a table of the descriptors of one process
 * @links: how it hangs together with others: who is at the other end
 * @process: index of its snapshot
 *
 * Return: 0 or -ENOMEM.
 */
int view_fds(const struct links *links, size_t process);

/** view_fds_json() - the same as an array */
struct json_object *view_fds_json(const struct snapshot *snapshot);

#endif /* _SSHOBS_INSPECT_H */
