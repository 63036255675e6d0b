PHASE                SESSION 63 SESSION 61 DIFFERENCE
handshake               24.1 ms    24.1 ms       0 us
queue                     90 us      90 us       0 us
spawn                         -    25.0 ms   +25.0 ms
unknown (spawn-auth)    3.025 s          -   -3.025 s
banner                        -    24.0 ms   +24.0 ms
kex                           -    63.4 ms   +63.4 ms
auth                          -    89.4 ms   +89.4 ms
session                       -    35.8 ms   +35.8 ms
shell                         -     1.7 ms    +1.7 ms
all                     3.049 s     263 ms   -2.785 s

-2.915 s in unknown: sshd: 2.915 s, only in 63
-109 ms in unknown: sshd: 109 ms, only in 63
+76.5 ms in auth: sshd: 76.5 ms, only in 61
+52.7 ms in kex: the client: 52.7 ms, only in 61
+109 ms in 16 more; -a shows all
status 0
