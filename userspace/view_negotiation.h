/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both sides said before encryption, for people and as JSON.
 */
#ifndef _SSHOBS_VIEW_NEGOTIATION_H
#define _SSHOBS_VIEW_NEGOTIATION_H

#include <json.h>
#include <stdbool.h>

#include "ssh.h"

/**
 * view_negotiation() - print who spoke, what was agreed on, and both HASSH
 * @negotiation: of a session
 * @all: also all that both sides offered
 *
 * What ssh(1) prints with -v and -vv is worded as there.
 *
 * Return: 0 or -ENOMEM.
 */
int view_negotiation(const struct negotiation *negotiation, bool all);

/**
 * json_add_negotiation() - add the member "negotiation"
 * @object: where to
 * @negotiation: of a session; NULL becomes null
 */
void json_add_negotiation(struct json_object *object, const struct negotiation *negotiation);

#endif /* _SSHOBS_VIEW_NEGOTIATION_H */
