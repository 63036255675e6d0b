/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_OUTCOME_H
#define _SSHOBS_VIEW_OUTCOME_H

#include <json.h>
#include <stdbool.h>

#include "model.h"
#include "options.h"
#include "term.h"

/**
 * view_outcome_summary() - print how a session went, with the evidence, and how its
 * user was authenticated, as lines of the summary
 * @session: the session
 */
void view_outcome_summary(const struct session *session);

/**
 * view_outcome_cell() - how a session went, for a table
 * @buf: out: FORMAT_MAX bytes: "shell", and the state behind it if the session is not
 *	over: "shell, up"
 * @session: the session
 *
 * Return: the colour it deserves.
 */
enum tint view_outcome_cell(char *buf, const struct session *session);

/** view_outcome_json() - add the outcome, its evidence and the authentication */
void view_outcome_json(struct json_object *object, const struct session *session);

#endif /* _SSHOBS_VIEW_OUTCOME_H */
