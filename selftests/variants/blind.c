// SPDX-License-Identifier: GPL-2.0
/*
 * kmod/hooks_tcp.c with one more parameter:
 *
 *	blind=1		see no connection closed, as if the hook had missed that, before blind=0
 */
#include <linux/moduleparam.h>

#include "../../kmod/session.h"

static bool sshobs_blind;
module_param_named(blind, sshobs_blind, bool, 0644);

#define sshobs_session_may_have_sock(sock) \
	(!READ_ONCE(sshobs_blind) && (sshobs_session_may_have_sock)(sock))
#include "../../kmod/hooks_tcp.c"
