// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

#include "bugs.h"

bool sshobs_bug_bounds;
module_param_named(bug_bounds, sshobs_bug_bounds, bool, 0444);

bool sshobs_bug_use;
module_param_named(bug_use, sshobs_bug_use, bool, 0444);

bool sshobs_bug_leak;
module_param_named(bug_leak, sshobs_bug_leak, bool, 0444);

bool sshobs_bug_order;
module_param_named(bug_order, sshobs_bug_order, bool, 0444);

bool sshobs_bug_sleep;
module_param_named(bug_sleep, sshobs_bug_sleep, bool, 0444);

bool sshobs_bug_race;
module_param_named(bug_race, sshobs_bug_race, bool, 0444);

bool sshobs_bug_byte;
module_param_named(bug_byte, sshobs_bug_byte, bool, 0444);

bool sshobs_bug_address;
module_param_named(bug_address, sshobs_bug_address, bool, 0444);
