/* SPDX-License-Identifier: GPL-2.0 */
/* Which limits a session ran into, for a person and in JSON. */
#ifndef _SSHOBS_VIEW_LIMITS_H
#define _SSHOBS_VIEW_LIMITS_H

#include <json-c/json.h>

#include "model.h"

/** view_limits_summary() - print a line for each of them; nothing if there is none */
void view_limits_summary(const struct session *session);

/** view_limits_json() - add "limits": an array with an object for each of them */
void view_limits_json(struct json_object *object, const struct session *session);

#endif /* _SSHOBS_VIEW_LIMITS_H */
