"""The Ant, a public robot with four legs, as mujoco simulates it: accelerations from its state and its torques.

The model is read from an installed gymnasium (Farama Foundation, MIT licence); the simulator is mujoco (Apache 2.0).
Both come with the extra `robots`, and nothing of them is part of sharefind. `ant` decides what is logged.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sharefind.datasets.ant_symmetry import JOINTS
from sharefind.datasets.task import needs
from sharefind.errors import DataError
from sharefind.storage import read_text
from sharefind.typing import FloatArray

Row = tuple[FloatArray, FloatArray]
"""The log of a robot: inputs and labels."""

ASSET = Path("envs", "mujoco", "assets", "ant.xml")
"""Where the model is in an installed gymnasium."""


class AntRobot:
    """The robot, alone in the air or above a floor.

    Above a floor, friction cones are elliptic: the model's own pyramids make friction depend on the heading, which is
    no input. In the air the floor is far away.

    Args:
        tolerance: Tolerance of the solver of contacts.
        iterations: Most iterations of that solver.

    Attributes:
        on_ground: Whether there is a floor, and so an input for the height.
        joint_ranges: Limits of the joints in radians, (8, 2), in the order of `JOINTS`.
    """

    def __init__(self, on_ground: bool, tolerance: float = 1e-12, iterations: int = 200) -> None:
        """Build the robot.

        Args:
            on_ground: Whether there is a floor.
            tolerance: Tolerance of the solver of contacts.
            iterations: Largest number of steps of this solver.

        Raises:
            DataError: mujoco or gymnasium is missing, or gymnasium has no Ant.
        """
        with needs("the Ant", "mujoco", "robots"):
            import mujoco
        self.on_ground = on_ground
        self._mujoco: Any = mujoco
        self._model: Any = mujoco.MjModel.from_xml_string(read_text(_asset()))
        self._model.opt.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        # Accelerations do not depend on how time is stepped; this way costs a fourth of the model's own.
        self._model.opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        self._model.opt.tolerance, self._model.opt.iterations = tolerance, iterations
        self._data: Any = mujoco.MjData(self._model)
        joints = [mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_JOINT, name) for name in JOINTS]
        self._places, self._rates = self._model.jnt_qposadr[joints], self._model.jnt_dofadr[joints]
        motors = list(self._model.actuator_trnid[:, 0])
        self._motors = [motors.index(joint) for joint in joints]
        self.joint_ranges: FloatArray = self._model.jnt_range[joints].copy()

    def accelerations(self, x: FloatArray, headings: FloatArray | None = None) -> FloatArray:
        """Return the labels of inputs: the exact function that the logs sample.

        Args:
            x: Inputs in the order of `input_names`, shape (n, 33), or (n, 34) near the ground.
            headings: Compass angle of each row in radians, shape (n,), 0 by default; accelerations do not depend on it.

        Returns:
            Shape (n, 14).
        """
        headings = np.zeros(len(x)) if headings is None else headings
        found = []
        for row, heading in zip(x, headings, strict=True):
            height, rest = (row[0], row[1:]) if self.on_ground else (None, row)
            turns = turn_about_z(heading) @ upright_from(rest[:3])
            self.place(turns, rest[3:6], rest[6:9], rest[9:17], rest[17:25], height=height)
            found.append(self.push(rest[25:]))
        return np.array(found)

    def place(
        self,
        turns: FloatArray,
        velocity: FloatArray,
        spin: FloatArray,
        angles: FloatArray,
        speeds: FloatArray,
        *,
        height: float | None = None,
        far: float = 50.0,
    ) -> None:
        """Put it somewhere, at rest in what the simulator remembers.

        Args:
            turns: Rotation matrix (3, 3) from the torso's frame to the world's.
            velocity: Velocity of the torso, (3,), m/s, in the torso's frame.
            spin: Angular velocity, (3,), rad/s, in the torso's frame.
            angles: Angles of the joints, (8,), rad.
            speeds: Speeds of the joints, (8,), rad/s.
            height: Height of the torso's centre above the floor, m; None in the air.
            far: The height in the air, m.
        """
        data = self._data
        self._mujoco.mj_resetData(self._model, data)
        quaternion = np.zeros(4)
        self._mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(turns).ravel())
        data.qpos[:3] = 0, 0, far if height is None else height
        data.qpos[3:7], data.qpos[self._places] = quaternion, angles
        data.qvel[:3], data.qvel[3:6], data.qvel[self._rates] = turns @ velocity, spin, speeds

    def lower(self, clearance: float) -> None:
        """Lower the robot until its lowest point is at a given height above the floor.

        Args:
            clearance: The height, in m.
        """
        model, data = self._model, self._data
        self._mujoco.mj_kinematics(self._model, data)
        tilts = np.abs(data.geom_xmat[1:, 8])  # capsules and a sphere; the floor is the first
        lowest = (data.geom_xpos[1:, 2] - tilts * model.geom_size[1:, 1] - model.geom_size[1:, 0]).min()
        data.qpos[2] += clearance - lowest

    def push(self, torques: FloatArray) -> FloatArray:
        """Set torques and return the accelerations now.

        Args:
            torques: Shape (8,), shares of the motors' 150 N m, from -1 to 1.

        Returns:
            Shape (14,).
        """
        data = self._data
        data.ctrl[self._motors] = torques
        data.qacc_warmstart[:] = 0  # the solver forgets what came before
        self._mujoco.mj_forward(self._model, data)
        turns, found = self._turns(), data.qacc
        return np.concatenate([turns.T @ found[:3], found[3:6], found[self._rates]])

    def logged(self, torques: FloatArray) -> Row:
        """Return the inputs with these torques, and the accelerations that they cause.

        Args:
            torques: As in `push`.
        """
        labels = self.push(torques)
        return self.inputs(), labels

    @property
    def angles(self) -> FloatArray:
        """Angles of the joints now, shape (8,), rad."""
        return np.array(self._data.qpos[self._places])

    @property
    def speeds(self) -> FloatArray:
        """Speeds of the joints now, shape (8,), rad/s."""
        return np.array(self._data.qvel[self._rates])

    @property
    def time_step(self) -> float:
        """Time step of the simulation, s."""
        return float(self._model.opt.timestep)

    def step(self, steps: int) -> None:
        """Simulate under the torques that are set.

        Args:
            steps: Number of steps of 10 ms.
        """
        self._mujoco.mj_step(self._model, self._data, nstep=steps)

    def inputs(self) -> FloatArray:
        """Return state and torques as they are now, in the order of `input_names`: shape (33,), near the ground
        (34,).
        """
        data, turns = self._data, self._turns()
        vectors = (-turns[2], turns.T @ data.qvel[:3], data.qvel[3:6])
        joints = (self.angles, self.speeds, data.ctrl[self._motors])
        height = (data.qpos[2:3],) if self.on_ground else ()
        return np.concatenate([*height, *vectors, *joints])

    def _turns(self) -> FloatArray:
        """Rotation (3, 3) from the torso's frame to the world's."""
        flat = np.zeros(9)
        self._mujoco.mju_quat2Mat(flat, self._data.qpos[3:7])
        return flat.reshape(3, 3)


def upright_from(gravity: FloatArray) -> FloatArray:
    """Return a rotation from the torso's frame to the world's under which gravity points down.

    Args:
        gravity: A unit vector in the torso's frame, shape (3,).

    Returns:
        Shape (3, 3).
    """
    up = -gravity
    ahead = np.eye(3)[np.argmin(np.abs(up))]
    side = np.cross(up, ahead)
    side = side / np.linalg.norm(side)
    return np.stack([np.cross(side, up), side, up])


def turn_about_z(angle: float) -> FloatArray:
    """Return the rotation about the vertical, shape (3, 3).

    Args:
        angle: Angle in radians.
    """
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _asset() -> Path:
    """The model's file; gymnasium itself is not imported.

    Raises:
        DataError: It is not there.
    """
    with needs("the Ant", "gymnasium", "robots"):
        found = find_spec("gymnasium")
        if found is None or found.origin is None:
            raise ImportError("gymnasium")
    path = Path(found.origin).parent / ASSET
    if not path.is_file():
        raise DataError(
            f"the Ant: no {ASSET} in {path.parents[3]}; pip install 'sharefind[robots]' brings a gymnasium with it"
        )
    return path
