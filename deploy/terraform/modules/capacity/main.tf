# EC2 instances for the tasks, as many as they ask for.

data "aws_ssm_parameter" "ami" {
  count = var.ami_id == null ? 1 : 0
  name  = "/aws/service/ecs/optimized-ami/amazon-linux-2023/${var.architecture == "ARM64" ? "arm64/" : ""}recommended/image_id"
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  cluster_arn = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:cluster/${var.cluster_name}"
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "instance" {
  name               = "${var.name}-instance"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

# What the ECS agent does; a task has a role of its own.
data "aws_iam_policy_document" "agent" {
  statement {
    actions   = ["ecs:RegisterContainerInstance", "ecs:DeregisterContainerInstance", "ecs:SubmitAttachmentStateChanges", "ecs:SubmitContainerStateChange", "ecs:SubmitTaskStateChange"]
    resources = [local.cluster_arn]
  }

  statement {
    actions   = ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState", "ecs:TagResource", "ecs:ListTagsForResource"]
    resources = [replace(local.cluster_arn, ":cluster/", ":container-instance/"), "${replace(local.cluster_arn, ":cluster/", ":container-instance/")}/*"]
  }

  statement {
    actions   = ["ecs:DiscoverPollEndpoint"] # it knows no resources
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "instance" {
  name   = "agent"
  role   = aws_iam_role.instance.id
  policy = data.aws_iam_policy_document.agent.json
}

resource "aws_iam_instance_profile" "instance" {
  name = "${var.name}-instance"
  role = aws_iam_role.instance.name
  tags = var.tags
}

resource "aws_security_group" "instance" {
  name        = "${var.name}-instance"
  description = "Instances of ${var.name}: tasks have interfaces and rules of their own"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "instance" {
  security_group_id = aws_security_group.instance.id
  description       = "ECS, ECR, CloudWatch Logs"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_launch_template" "this" {
  name_prefix            = "${var.name}-"
  image_id               = var.ami_id == null ? data.aws_ssm_parameter.ami[0].value : var.ami_id
  instance_type          = coalesce(var.instance_type, var.architecture == "ARM64" ? "c7g.large" : "c7i.large")
  vpc_security_group_ids = [aws_security_group.instance.id]
  user_data              = base64encode("#!/bin/bash\necho ECS_CLUSTER=${var.cluster_name} >> /etc/ecs/ecs.config\necho ECS_CONTAINER_STOP_TIMEOUT=90s >> /etc/ecs/ecs.config\n")
  tags                   = var.tags

  iam_instance_profile {
    arn = aws_iam_instance_profile.instance.arn
  }

  # A container reaches the task's credentials, not the instance's.
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
}

resource "aws_autoscaling_group" "this" {
  name_prefix           = "${var.name}-"
  min_size              = 0
  max_size              = var.max_instances
  vpc_zone_identifier   = var.subnet_ids
  protect_from_scale_in = true # ECS drains an instance before it goes

  launch_template {
    id      = aws_launch_template.this.id
    version = "$Latest"
  }

  tag {
    key                 = "AmazonECSManaged"
    value               = "true"
    propagate_at_launch = true
  }

  lifecycle {
    ignore_changes = [desired_capacity]
  }
}

resource "aws_ecs_capacity_provider" "this" {
  name = var.name
  tags = var.tags

  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.this.arn
    managed_termination_protection = "ENABLED"
    managed_draining               = "ENABLED"
    managed_scaling {
      status          = "ENABLED"
      target_capacity = 100
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = var.cluster_name
  capacity_providers = [aws_ecs_capacity_provider.this.name]
}

output "capacity_provider" {
  value      = aws_ecs_capacity_provider.this.name
  depends_on = [aws_ecs_cluster_capacity_providers.this]
}
