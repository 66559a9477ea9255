# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/queue/admin.c worker/queue/admin.h \
	worker/queue/author.c \
	worker/queue/batch.c worker/queue/batch.h worker/queue/batch_private.h worker/queue/batch_write.c \
	worker/queue/report.c worker/queue/report.h worker/queue/report_parts.c worker/queue/report_parts.h worker/queue/report_text.c \
	worker/queue/check.c worker/queue/check.h worker/queue/check_private.h \
	worker/queue/check_asks.c \
	worker/queue/check_turns.c worker/queue/check_turns.h \
	worker/queue/check_envelope.c worker/queue/check_envelope.h \
	worker/queue/check_mail.c worker/queue/check_mail.h \
	worker/queue/check_verdict.c worker/queue/check_verdict.h \
	worker/queue/clock.c worker/queue/clock.h \
	worker/queue/core.c \
	worker/queue/db.h worker/queue/db_private.h \
	worker/queue/db_open.c worker/queue/db_statement.c worker/queue/db_read.c worker/queue/db_write.c \
	worker/queue/delivery.c worker/queue/delivery_end.c \
	worker/queue/envelope.c worker/queue/envelope.h \
	worker/queue/flow.c worker/queue/flow.h \
	worker/queue/gates.c \
	worker/queue/greylist.c worker/queue/greylist.h worker/queue/greylist_db.c worker/queue/greylist_db.h \
	worker/queue/greylister.c worker/queue/greylister.h \
	worker/queue/lane.c \
	worker/queue/mailbox.c worker/queue/mailbox.h \
	worker/queue/limit.c worker/queue/limit.h \
	worker/queue/notice.c worker/queue/notice.h worker/queue/notice_text.c \
	worker/queue/queue.c worker/queue/queue.h \
	worker/queue/asker.c worker/queue/asker.h \
	worker/queue/chosen.c worker/queue/chosen.h worker/queue/recipients.c \
	worker/queue/policy.c worker/queue/policy.h worker/queue/db_policy.c \
	worker/queue/link.c worker/queue/link.h \
	worker/queue/remote.c worker/queue/remote_result.c worker/queue/remote_private.h \
	worker/queue/reason.c worker/queue/reason.h \
	worker/queue/schedule.c worker/queue/schedule.h worker/queue/suspension.c \
	worker/queue/shares.c worker/queue/shares.h \
	worker/queue/sign.c worker/queue/sign.h \
	worker/queue/spool.c worker/queue/spool.h \
	worker/queue/transaction.c worker/queue/transaction.h \
	worker/queue/ways.c worker/queue/ways.h
