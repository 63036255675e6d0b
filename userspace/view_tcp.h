/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_TCP_H
#define _SSHOBS_VIEW_TCP_H

#include <json.h>

#include "snapshot.h"

/** view_tcp() - print what the kernel knows of a connection, in the words of ss -i */
void view_tcp(const struct snapshot_fd *fd);

/**
 * view_tcp_json() - all of its struct tcp_info
 * @fd: a socket
 *
 * Return: an object whose members are named as those of struct tcp_info, without "tcpi_";
 * what this kernel does not have is absent. NULL for other sockets than TCP's.
 */
struct json_object *view_tcp_json(const struct snapshot_fd *fd);

#endif /* _SSHOBS_VIEW_TCP_H */
