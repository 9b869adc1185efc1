/* events.h - event files as TensorBoard reads them: records with masked CRC-32C sums, each a protobuf Event.
 * Format: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto and framework/summary.proto. */
#ifndef REPORT_EVENTS_H
#define REPORT_EVENTS_H
#include "report/run_log.h"

/* Writes FOLDER/events.out.tfevents.SECONDS.unroll with the columns of the log as scalars, and equations and options as texts. The
 * folder is made if it is not there. */
unroll_status events_write(const run_log *log, const char *folder, unroll_error *err);
#endif
