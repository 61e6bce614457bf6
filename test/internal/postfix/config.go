package postfix

// main.cf: 1 directory, 2 configuration directory, 3 next hop, 4 milter, 5 what to do without it.
const mainCF = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
meta_directory = /etc/postfix
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = %[1]s/mail.log
maillog_file_prefixes = %[1]s

myhostname = mx.lab.test
mydomain = lab.test
myorigin = $mydomain
mydestination =
local_recipient_maps =
local_transport = error:nobody lives here
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = all
mynetworks = 127.0.0.0/8 [::1]/128
relay_domains = in.test
relayhost = [%[3]s]:25
smtp_host_lookup = native
disable_dns_lookups = yes
smtp_tls_security_level = none

smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_tls_cert_file = %[2]s/cert.pem
smtpd_tls_key_file = %[2]s/key.pem
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = %[2]s/sasl
smtpd_sasl_local_domain = lab.test
smtpd_sasl_security_options = noanonymous

message_size_limit = 134217728
enable_long_queue_ids = yes
default_process_limit = 150
in_flow_delay = 0
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0

milter_default_action = %[5]s
milter_connect_timeout = 300s
milter_command_timeout = 300s
smtpd_milters = %[4]s
non_smtpd_milters = %[4]s
`

// master.cf: 1 chroot column of the services that Debian chroots and that speak to milters. The smtpd lines come before it.
const masterCF = `postlog    unix-dgram n - n - 1 postlogd
pickup     unix n - n 60 1 pickup
cleanup    unix n - %[1]s - 0 cleanup
qmgr       unix n - n 300 1 qmgr
tlsmgr     unix - - n 1000? 1 tlsmgr
rewrite    unix - - n - - trivial-rewrite
bounce     unix - - n - 0 bounce
defer      unix - - n - 0 bounce
trace      unix - - n - 0 bounce
verify     unix - - n - 1 verify
flush      unix n - n 1000? 0 flush
proxymap   unix - - n - - proxymap
smtp       unix - - n - - smtp
relay      unix - - n - - smtp
showq      unix n - n - - showq
error      unix - - n - - error
retry      unix - - n - - error
anvil      unix - - n - 1 anvil
scache     unix - - n - 1 scache
`

// smtpd lines of one address: 1 address, 2 chroot column, 3 milter.
const smtpdCF = `%[1]s:25  inet n - %[2]s - - smtpd
  -o smtpd_milters=%[3]s
%[1]s:587 inet n - %[2]s - - smtpd
  -o smtpd_milters=%[3]s
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=may
  -o smtpd_tls_auth_only=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o milter_macro_daemon_name=ORIGINATING
`
