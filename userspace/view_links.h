/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_LINKS_H
#define _SSHOBS_VIEW_LINKS_H

#include <json.h>

#include "links.h"

/**
 * view_links() - draw how processes hang together, from the client down
 * @links: what was found out
 * @local: user ids are those of this host
 *
 * Return: 0 or -ENOMEM.
 */
int view_links(const struct links *links, bool local);

/**
 * view_links_json() - the same as an array
 * @links: what was found out
 *
 * Return: the array, an object for each link: kind, what it is, holders of its end 0 and
 * peer_holders of its end 1.
 */
struct json_object *view_links_json(const struct links *links);

#endif /* _SSHOBS_VIEW_LINKS_H */
