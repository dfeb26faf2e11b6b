# What a silo may do, action by action and resource by resource. A test holds the list against the calls that the code makes.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  glue = "arn:${data.aws_partition.current.partition}:glue:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"

  # arn:…:kafka:REGION:ACCOUNT:cluster/NAME/UUID and what belongs to that cluster
  msk_topic = var.msk == null ? "" : replace(var.msk.cluster_arn, ":cluster/", ":topic/")
  msk_group = var.msk == null ? "" : replace(var.msk.cluster_arn, ":cluster/", ":group/")
  msk_id    = var.msk == null ? "" : replace(var.msk.cluster_arn, ":cluster/", ":transactional-id/")

  # Pipelines send dead letters in transactions, which also move the offset of a group of their own.
  letters = var.msk == null ? [] : length(var.msk.dead_letter_topics) > 0 ? [var.msk] : []
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "task" {
  statement {
    sid = "Objects"
    actions = [
      "s3:GetObject",
      "s3:PutObject",
      "s3:PutObjectTagging",
      "s3:DeleteObject",
      "s3:AbortMultipartUpload",
    ]
    resources = [for place in var.warehouse : "arn:${data.aws_partition.current.partition}:s3:::${place.bucket}/${place.prefix == "" ? "" : "${trim(place.prefix, "/")}/"}*"]
  }

  # Who may not list is told of a missing object that it may not be read, and not that it is missing. That question names no
  # prefix, hence IfExists. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
  dynamic "statement" {
    for_each = { for place in var.warehouse : "${place.bucket}/${place.prefix}" => place }
    content {
      actions   = ["s3:ListBucket"]
      resources = ["arn:${data.aws_partition.current.partition}:s3:::${statement.value.bucket}"]
      dynamic "condition" {
        for_each = statement.value.prefix == "" ? [] : [trim(statement.value.prefix, "/")]
        content {
          test     = "StringLikeIfExists"
          variable = "s3:prefix"
          values   = ["${condition.value}/*"]
        }
      }
    }
  }

  # Uploads that a silo left unfinished; this list knows no prefix as a condition.
  statement {
    sid       = "Uploads"
    actions   = ["s3:ListBucketMultipartUploads"]
    resources = distinct([for place in var.warehouse : "arn:${data.aws_partition.current.partition}:s3:::${place.bucket}"])
  }

  dynamic "statement" {
    for_each = length(var.glue_databases) > 0 ? [1] : []
    content {
      sid = "Catalog"
      actions = [
        "glue:GetDatabase",
        "glue:GetTable",
        "glue:GetTables",
        "glue:CreateTable",
        "glue:UpdateTable",
      ]
      resources = concat(["${local.glue}:catalog"], flatten([for database in var.glue_databases : ["${local.glue}:database/${database}", "${local.glue}:table/${database}/*"]]))
    }
  }

  # At its start a silo asks whether the catalog answers.
  dynamic "statement" {
    for_each = length(var.glue_databases) > 0 ? [1] : []
    content {
      sid       = "CatalogNames"
      actions   = ["glue:GetDatabases"]
      resources = ["${local.glue}:catalog", "${local.glue}:database/*"]
    }
  }

  # Members of the cluster, grain state, reminders, in tables that exist: a silo neither makes nor changes them.
  dynamic "statement" {
    for_each = var.cluster_tables == null ? [] : [var.cluster_tables]
    content {
      sid = "Cluster"
      actions = [
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:BatchWriteItem", # silos that are long gone are deleted in batches
      ]
      resources = [statement.value.members]
    }
  }

  dynamic "statement" {
    for_each = var.cluster_tables == null ? [] : [var.cluster_tables]
    content {
      sid       = "State"
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      resources = [statement.value.state]
    }
  }

  dynamic "statement" {
    for_each = var.cluster_tables == null ? [] : [var.cluster_tables]
    content {
      sid       = "Reminders"
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
      resources = [statement.value.reminders]
    }
  }

  dynamic "statement" {
    for_each = var.cluster_tables == null ? [] : [var.cluster_tables]
    content {
      sid       = "RemindersByGrain"
      actions   = ["dynamodb:Query"]
      resources = ["${statement.value.reminders}/index/ServiceIdIndex", "${statement.value.reminders}/index/ServiceIdGrainReferenceIndex"]
    }
  }

  dynamic "statement" {
    for_each = length(var.secret_arns) > 0 ? [1] : []
    content {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = var.secret_arns
    }
  }

  dynamic "statement" {
    for_each = length(var.parameter_arns) > 0 ? [1] : []
    content {
      sid       = "Parameters"
      actions   = ["ssm:GetParameter"]
      resources = var.parameter_arns
    }
  }

  dynamic "statement" {
    for_each = length(var.kms_key_arns) > 0 ? [1] : []
    content {
      sid       = "Keys"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = var.kms_key_arns
    }
  }

  dynamic "statement" {
    for_each = var.msk == null ? [] : [var.msk]
    content {
      sid       = "KafkaConnect"
      actions   = ["kafka-cluster:Connect"]
      resources = [statement.value.cluster_arn]
    }
  }

  dynamic "statement" {
    for_each = var.msk == null ? [] : [var.msk]
    content {
      sid       = "KafkaRead"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
      resources = [for topic in statement.value.topics : "${local.msk_topic}/${topic}"]
    }
  }

  # The group's offsets follow the table for people's lag tools.
  dynamic "statement" {
    for_each = var.msk == null ? [] : [var.msk]
    content {
      sid       = "KafkaGroups"
      actions   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
      resources = [for group in statement.value.groups : "${local.msk_group}/${group}"]
    }
  }

  # The offset is kept under the topic's own name, which takes the right to read it.
  dynamic "statement" {
    for_each = local.letters
    content {
      sid       = "DeadLetterTopics"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData", "kafka-cluster:ReadData"]
      resources = [for topic in statement.value.dead_letter_topics : "${local.msk_topic}/${topic}"]
    }
  }

  dynamic "statement" {
    for_each = local.letters
    content {
      sid       = "DeadLetterTransactions"
      actions   = ["kafka-cluster:DescribeTransactionalId", "kafka-cluster:AlterTransactionalId"]
      resources = ["${local.msk_id}/orleanslake-dead-letters-*"]
    }
  }

  dynamic "statement" {
    for_each = local.letters
    content {
      sid       = "DeadLetterGroups"
      actions   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
      resources = ["${local.msk_group}/orleanslake-dead-letters-*"]
    }
  }
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "task" {
  name   = "silo"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

# What ECS itself needs to start a task: the image, the log, the variables from secrets.
data "aws_iam_policy_document" "execution" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${var.log_group_arn}:*"]
  }

  dynamic "statement" {
    for_each = var.image_repository_arn == null ? [] : [var.image_repository_arn]
    content {
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.image_repository_arn == null ? [] : [1]
    content {
      actions   = ["ecr:GetAuthorizationToken"] # it knows no resources
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = length(var.injected_secret_arns) > 0 ? [1] : []
    content {
      actions   = ["secretsmanager:GetSecretValue", "ssm:GetParameters"]
      resources = var.injected_secret_arns
    }
  }

  # Such a secret may be encrypted with a key of one's own.
  dynamic "statement" {
    for_each = length(var.injected_secret_arns) > 0 && length(var.kms_key_arns) > 0 ? [1] : []
    content {
      actions   = ["kms:Decrypt"]
      resources = var.kms_key_arns
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

output "task_role_arn" {
  value = aws_iam_role.task.arn
}

output "execution_role_arn" {
  value = aws_iam_role.execution.arn
}
