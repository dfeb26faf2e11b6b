# Tables of Orleans' providers for DynamoDB: names of keys and indexes are theirs. A test holds them against what the silos make themselves.

locals {
  on_demand = var.capacity == null
}

resource "aws_dynamodb_table" "members" {
  name         = "${var.name}-members"
  billing_mode = local.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED"
  hash_key     = "DeploymentId"
  range_key    = "SiloIdentity"
  tags         = var.tags

  read_capacity  = local.on_demand ? null : var.capacity.read
  write_capacity = local.on_demand ? null : var.capacity.write

  attribute {
    name = "DeploymentId"
    type = "S"
  }

  attribute {
    name = "SiloIdentity"
    type = "S"
  }

  point_in_time_recovery {
    enabled = false # silos that ran yesterday are of no use
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  deletion_protection_enabled = var.deletion_protection
}

resource "aws_dynamodb_table" "state" {
  name         = "${var.name}-state"
  billing_mode = local.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED"
  hash_key     = "GrainReference"
  range_key    = "GrainType"
  tags         = var.tags

  read_capacity  = local.on_demand ? null : var.capacity.read
  write_capacity = local.on_demand ? null : var.capacity.write

  attribute {
    name = "GrainReference"
    type = "S"
  }

  attribute {
    name = "GrainType"
    type = "S"
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  deletion_protection_enabled = var.deletion_protection
}

resource "aws_dynamodb_table" "reminders" {
  name         = "${var.name}-reminders"
  billing_mode = local.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED"
  hash_key     = "ReminderId"
  range_key    = "GrainHash"
  tags         = var.tags

  read_capacity  = local.on_demand ? null : var.capacity.read
  write_capacity = local.on_demand ? null : var.capacity.write

  attribute {
    name = "ReminderId"
    type = "S"
  }

  attribute {
    name = "GrainHash"
    type = "N"
  }

  attribute {
    name = "ServiceId"
    type = "S"
  }

  attribute {
    name = "GrainReference"
    type = "S"
  }

  global_secondary_index {
    name            = "ServiceIdIndex"
    hash_key        = "ServiceId"
    range_key       = "GrainHash"
    projection_type = "ALL"
    read_capacity   = local.on_demand ? null : var.capacity.read
    write_capacity  = local.on_demand ? null : var.capacity.write
  }

  global_secondary_index {
    name            = "ServiceIdGrainReferenceIndex"
    hash_key        = "ServiceId"
    range_key       = "GrainReference"
    projection_type = "ALL"
    read_capacity   = local.on_demand ? null : var.capacity.read
    write_capacity  = local.on_demand ? null : var.capacity.write
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  deletion_protection_enabled = var.deletion_protection
}

output "names" {
  value = { members = aws_dynamodb_table.members.name, state = aws_dynamodb_table.state.name, reminders = aws_dynamodb_table.reminders.name }
}

output "arns" {
  value = { members = aws_dynamodb_table.members.arn, state = aws_dynamodb_table.state.arn, reminders = aws_dynamodb_table.reminders.arn }
}
