/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who logged in: what the model concludes from credentials and programs. Part of
 * the model; the views ask model_user().
 */
#ifndef _SSHOBS_USER_H
#define _SSHOBS_USER_H

#include "logline.h"
#include "model.h"

/** user_from_cred() - a member changed its credentials */
void user_from_cred(struct session *session, const struct event *event);

/** user_from_activity() - a member forked or became a program */
void user_from_activity(struct session *session, uint32_t pid);

/** user_from_exec() - a member became a program */
void user_from_exec(struct session *session, const struct event *event);

/** user_from_exit() - a member ended */
void user_from_exit(struct session *session, const struct event *event);

/** user_from_log() - the server wrote a line, which can be believed and was noted */
void user_from_log(struct session *session, const struct logline *line);

#endif /* _SSHOBS_USER_H */
