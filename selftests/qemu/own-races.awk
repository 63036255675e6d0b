# SPDX-License-Identifier: GPL-2.0
# The kernel's log without KCSAN's reports of races that the module has no part in: those that name none of its
# functions, in neither stack. The kernel has many of its own, and is not what is tested. One of them is with the timer of
# whoever sleeps in usleep_range(), the module too.
/====================/ && !inside {
	inside = 1
	report = $0
	next
}
inside {
	report = report "\n" $0
	if (/====================/) {
		if (report !~ /KCSAN: / ||
		    report ~ /\[sshobs\]/ && report !~ /data-race in hrtimer_wakeup \/ schedule_hrtimeout_range/)
			print report
		inside = 0
	}
	next
}
{ print }
END {
	if (inside)
		print report
}
