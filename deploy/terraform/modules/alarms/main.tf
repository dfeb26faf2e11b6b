# Each alarm has an entry of the same name in docs/runbook.md; a test holds one against the other.

locals {
  lake = { namespace = "OrleansLake", dimensions = { Cluster = var.name } }
  ecs  = { namespace = "AWS/ECS", dimensions = { ClusterName = var.cluster_name, ServiceName = var.service_name } }
  box  = { namespace = "ECS/ContainerInsights", dimensions = { ClusterName = var.cluster_name, ServiceName = var.service_name } }

  alarms = {
    freshness = {
      of          = local.lake
      metric      = "Freshness"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = var.freshness_seconds
      periods     = 5
      missing     = "breaching" # no silo tells anything
      description = "The oldest record that is not in its table is too old."
    }
    lag = {
      of          = local.lake
      metric      = "Lag"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = var.lag_records
      periods     = 15
      missing     = "notBreaching"
      description = "Too many records wait, although scaling had time."
    }
    dead-letters = {
      of          = local.lake
      metric      = "DeadLetters"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching"
      description = "Records did not fit their table."
    }
    failed-commits = {
      of          = local.lake
      metric      = "FailedCommits"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 6
      periods     = 1
      period      = 600 # a committer that fails pauses longer and longer: a table whose swaps all fail has few of them a minute
      missing     = "notBreaching"
      description = "Swaps of table metadata keep failing: conflicts with other writers, or the catalog."
    }
    stopped-partitions = {
      of          = local.lake
      metric      = "StoppedPartitions"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 2
      missing     = "notBreaching"
      description = "A topic-partition stopped and waits for a person."
    }
    trouble = {
      of          = local.lake
      metric      = "PumpsInTrouble"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 5
      missing     = "notBreaching"
      description = "Something stands between a pipeline and its brokers or its table."
    }
    memory = {
      of          = local.ecs
      metric      = "MemoryUtilization"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = 90
      periods     = 5
      missing     = "notBreaching"
      description = "A silo is about to be ended for its memory."
    }
    silos = {
      of          = local.box
      metric      = "RunningTaskCount"
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = var.silos.min
      periods     = 5
      missing     = "breaching"
      description = "Fewer silos run than there must be."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = { for name, alarm in local.alarms : name => merge({ period = 60 }, alarm) }
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbook.md#${each.key}"
  namespace           = each.value.of.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.of.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = var.actions
  ok_actions          = var.actions
  tags                = var.tags
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = concat(
      [for i, widget in [
        { title = "Freshness: age of the oldest record that is not in its table", metric = "Freshness", of = "Pipeline", stat = "Maximum" },
        { title = "Lag: records behind the topics' ends", metric = "Lag", of = "Pipeline", stat = "Sum" },
        { title = "Rows a minute", metric = "Rows", of = "Pipeline", stat = "Sum" },
        { title = "Dead letters a minute", metric = "DeadLetters", of = "Pipeline", stat = "Sum" },
        { title = "Committed rows a minute", metric = "CommittedRows", of = "Table", stat = "Sum" },
        { title = "Committed files a minute", metric = "CommittedFiles", of = "Table", stat = "Sum" },
        { title = "Commits that failed", metric = "FailedCommits", of = "Table", stat = "Sum" },
        { title = "Stopped topic-partitions", metric = "StoppedPartitions", of = "Pipeline", stat = "Maximum" },
        ] : {
        type = "metric", x = (i % 2) * 12, y = floor(i / 2) * 6, width = 12, height = 6
        properties = {
          title   = widget.title, region = var.region, view = "timeSeries", stacked = false
          metrics = [[{ expression = "SEARCH('{OrleansLake,Cluster,${widget.of}} Cluster=\"${var.name}\" MetricName=\"${widget.metric}\"', '${widget.stat}', 60)" }]]
        }
      }],
      [{
        type = "metric", x = 0, y = 24, width = 24, height = 6
        properties = {
          title   = "Silos: processor and memory", region = var.region, view = "timeSeries", stacked = false
          metrics = [for name in ["CPUUtilization", "MemoryUtilization"] : ["AWS/ECS", name, "ClusterName", var.cluster_name, "ServiceName", var.service_name]]
        }
      }]
    )
  })
}
